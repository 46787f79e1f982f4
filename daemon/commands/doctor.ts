import { ownAccount } from "../doctor/accounts.ts";
import { failed, type LinkResult, worst } from "../doctor/result.ts";
import { exitCodes } from "../errors.ts";
import { toPrintableJson } from "../printable.ts";
import { type Command, configOptions, configOptionsHelp, type Io, parseCommandLine } from "./command.ts";
import { examination, type Examined } from "./doctor-examination.ts";
import { reportOf } from "./doctor-text.ts";
import { examineApart } from "./doctor-process.ts";
import { productVersion } from "./version.ts";

/** Something should be fixed, and nothing is lost. */
const warningCode = 1;

export const doctor: Command = {
  name: "doctor",
  summary: "checks the whole chain on a manager and says what to fix",
  usage: `Checks every link from analysisd to Kafka, says for each whether it is ok, and
what to do if it is not. Sends a test alert through custom-dfn and the socket,
which the forwarder answers and does not forward. Changes nothing.

Run it as root, or as the forwarder's user: it reports what that user may not see.

Usage: wazuh-dfn doctor [--config FILE] [--set NAME=VALUE]... [--json]

${configOptionsHelp}  --json              as one JSON object

Exit code, by the worst result: 0 all is well; 1 warnings; 69 a link has failed;
78 the configuration is wrong.
`,
  async run(args, io) {
    const options = {
      ...configOptions,
      json: { type: "boolean", default: false },
      // Not in the help: this is how it calls itself, see doctor-process.ts.
      examine: { type: "boolean", default: false },
    } as const;
    const { values } = parseCommandLine(doctor, args, options);
    if (values.examine) {
      io.stdout.write(`${JSON.stringify(await examination(values, io))}\n`);
      return 0;
    }
    return printReport(await examineApart(args, io), values.json, io);
  },
};

/** @param examined undefined if the examination did not finish */
function printReport(examined: Examined | undefined, asJson: boolean, io: Io): number {
  const findings = examined?.findings ?? [unfinished];
  const state = worst(findings);
  const report = { state, version: productVersion, user: ownAccount().name, links: findings };
  io.stdout.write(asJson ? `${toPrintableJson(report, 2)}\n` : reportOf(findings));
  if (examined?.isConfigured === false) return exitCodes.CONFIG;
  if (state === "failed") return exitCodes.UNAVAILABLE;
  return state === "warning" ? warningCode : 0;
}

const unfinished: LinkResult = {
  link: "doctor",
  ...failed(
    "the examination of this machine ran out of time or memory: a disk hangs, or somebody prepared a file to cause this",
    "uptime; df; ls -lR /etc/wazuh-dfn /var/ossec/etc /var/lib/wazuh-dfn",
  ),
};
