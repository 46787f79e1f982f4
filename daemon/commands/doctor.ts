import type { Config } from "../config/config.ts";
import { inspect } from "../config/load.ts";
import { ownAccount } from "../doctor/accounts.ts";
import { examine } from "../doctor/chain.ts";
import type { Finding } from "../doctor/judgement.ts";
import { worst } from "../doctor/judgement.ts";
import { configuredLinks, machineLinks } from "../doctor/links.ts";
import type { ForwarderFacts } from "../doctor/links/forwarder.ts";
import { forwarderAccount, type Scene, sightOfOssecConf, wazuhAccount } from "../doctor/scene.ts";
import { DfnError, exitCodes } from "../errors.ts";
import { findProblems } from "./check.ts";
import { type Command, configOptions, configOptionsHelp, type Io, parseCommandLine } from "./command.ts";
import { reportOf } from "./doctor-text.ts";
import { askStatus } from "./status-client.ts";
import { productVersion } from "./version.ts";

/** Where the manager is as long as no settings name another place. */
const usualHome = "/var/ossec";
/** A look at Kafka has 5 s of its own, so it is never this that ends it. */
const linkWithinMs = 8000;
/** Something should be mended, and nothing is lost. */
const warningCode = 1;

export const doctor: Command = {
  name: "doctor",
  summary: "checks the whole chain on a manager, and says what to do",
  usage: `Checks every link from analysisd to Kafka, says for each whether it is ok, and
what to do where it is not. Sends a test alert through custom-dfn and the socket,
which the forwarder answers and does not forward. Changes nothing.

Run it as root, or as the forwarder's user: it says what that user may not see.

Usage: wazuh-dfn doctor [--config FILE] [--set NAME=VALUE]... [--json]

${configOptionsHelp}  --json              as one JSON object

Exit code, by the worst: 0 all is well; 1 warnings; 69 a link has failed; 78 the
configuration is wrong.
`,
  async run(args, io) {
    const { values } = parseCommandLine(doctor, args, { ...configOptions, json: { type: "boolean", default: false } });
    const { isConfigured, findings } = await findingsFor(values, io);
    const state = worst(findings);
    const report = { state, version: productVersion, user: ownAccount().name, links: findings };
    io.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : reportOf(findings));
    if (!isConfigured) return exitCodes.CONFIG;
    if (state === "failed") return exitCodes.UNAVAILABLE;
    return state === "warning" ? warningCode : 0;
  },
};

interface Values {
  readonly config: string;
  readonly set: readonly string[];
}

async function findingsFor(
  values: Values,
  io: Io,
): Promise<{ readonly isConfigured: boolean; readonly findings: readonly Finding[] }> {
  const config = configOf(values, io);
  const problems = findProblems(values, io);
  const settings = { path: values.config, problems };
  const forwarder = config === undefined ? undefined : await askForwarder(config);
  const scene = await sceneFor(config, io, forwarder);
  const links = [
    ...machineLinks(scene, settings, forwarder),
    ...(config === undefined ? [] : configuredLinks(scene, config, settings)),
  ];
  const isConfigured = !problems.some(({ severity }) => severity === "error");
  return { isConfigured, findings: await examine(links, linkWithinMs) };
}

/** Undefined where the settings are wrong; `findProblems` tells what is. */
function configOf({ config: path, set: sets }: Values, { env }: Io): Config | undefined {
  try {
    return inspect({ path, env, sets }).config;
  } catch (reason) {
    if (reason instanceof DfnError) return undefined;
    throw reason;
  }
}

async function askForwarder({ status }: Config): Promise<ForwarderFacts> {
  try {
    const snapshot = await askStatus(status.listen);
    return { kind: "answers", snapshot, ownVersion: productVersion };
  } catch (reason) {
    if (!(reason instanceof DfnError)) throw reason;
    return { kind: "silent", reason: reason.message };
  }
}

async function sceneFor(
  config: Config | undefined,
  { env }: Io,
  forwarder: ForwarderFacts | undefined,
): Promise<Scene> {
  const home = config?.wazuh.home ?? usualHome;
  const snapshot = forwarder?.kind === "answers" ? forwarder.snapshot : undefined;
  const self = ownAccount();
  return {
    env,
    home,
    isRoot: self.uid === 0,
    self,
    wazuh: await wazuhAccount(home),
    forwarder: await forwarderAccount(config?.stateDir ?? "/", snapshot, self),
    snapshot,
    ossecConf: await sightOfOssecConf(home),
  };
}
