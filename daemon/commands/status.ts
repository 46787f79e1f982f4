import { statusAddressOf } from "../config/status-address.ts";
import { toPrintableJson } from "../printable.ts";
import { becomeOwnerOf } from "../state/owner.ts";
import { type Command, configOptions, configOptionsHelp, loadConfig, parseCommandLine } from "./command.ts";
import { isColoured } from "./colour.ts";
import { askStatus } from "./status-client.ts";
import { statusSummary } from "./status-text.ts";

/** The forwarder answers, and something is wrong. */
const degradedCode = 1;

export const status: Command = {
  name: "status",
  summary: "shows what the running forwarder does, and what is wrong with it",
  usage: `Shows what the running forwarder does: its health first, with reasons and
remedies, then sources, log, sink and dead letters.

Usage: wazuh-dfn status [--config FILE] [--set NAME=VALUE]... [--json]

${configOptionsHelp}  --json              as one JSON object

Exit code: 0 healthy; 1 degraded, and the reasons are named; 69 if no forwarder
answers on status.listen.
`,
  async run(args, io) {
    const { values } = parseCommandLine(status, args, { ...configOptions, json: { type: "boolean", default: false } });
    const config = loadConfig(values, io);
    becomeOwnerOf(config.stateDir);
    const snapshot = await askStatus(statusAddressOf(config));
    const text = values.json ? `${toPrintableJson(snapshot)}\n` : statusSummary(snapshot, Date.now(), isColoured(io));
    io.stdout.write(text);
    return snapshot.health.state === "ok" ? 0 : degradedCode;
  },
};
