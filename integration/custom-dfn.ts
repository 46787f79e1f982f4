/**
 * What integratord runs for each alert: hands the alert to the forwarder over its Unix socket.
 *
 * Exit codes: 0 = the forwarder took the alert, or the tail of alerts.json will; 1 = the tail is off and the forwarder
 * did not take it: it is lost to this way; 2 = called wrongly. With the tail on integratord waits at most 50 ms and
 * sees no error, because it runs all integrations one after the other and logs an error as a lost alert.
 */
import { existsSync, writeSync } from "node:fs";
import { parseCall, type Call } from "./call.ts";
import { sendOnce, sendUntilAccepted, type Exchange } from "./exchange.ts";
import { BadFile, readAlertLine, readOptions, type Options } from "./files.ts";
import { formatAnswer, tailOffMarker } from "./protocol.ts";

const usage = `usage: custom-dfn ALERT_FILE [API_KEY] [unix:SOCKET] [debug] [OPTIONS_FILE] [TIMEOUT] [RETRIES]
Hands one Wazuh alert (a JSON object in ALERT_FILE) to the forwarder. Wazuh's integratord calls it so.
By hand: custom-dfn alert.json "" unix:/run/wazuh-dfn/alerts.sock debug`;

/** The longest that integratord is kept waiting while the tail has the alert too. */
const waitMs = 50;

// Leaving at once instead of taking down stream and loop one by one saves a millisecond per alert; all output is written.
void main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (reason: unknown) => process.exit(print(2, `custom-dfn: ${String(reason)}`)),
);

async function main(args: readonly string[]): Promise<number> {
  const call = parseCall(args);
  if (call === undefined) return print(2, usage);
  const options = orBadFile(() => (call.optionsFile === undefined ? {} : readOptions(call.optionsFile)));
  const tail = tailIsOn(call, options instanceof BadFile ? {} : options);
  const line = orBadFile(() => readAlertLine(call.alertFile));
  const code = line instanceof BadFile ? withoutAlert(call, tail, line) : await handOver(call, tail, line);
  return options instanceof BadFile ? print(2, `custom-dfn: ${options.message}`) : code;
}

function tailIsOn(call: Call, options: Options): boolean {
  return options.tail ?? !existsSync(tailOffMarker(call.socketPath));
}

/** integratord leaves an empty or torn file when the disk is full. The tail has the alert; a person gets a message. */
function withoutAlert(call: Call, tail: boolean, bad: BadFile): number {
  const text = `custom-dfn: ${call.alertFile === "" ? "integratord could not write the alert file" : bad.message}`;
  if (!call.byIntegratord) return print(2, text);
  if (!tail) return print(1, text);
  return call.debug ? print(0, `${text}; the tail of alerts.json has the alert`) : 0;
}

async function handOver(call: Call, tail: boolean, line: Buffer): Promise<number> {
  const result = tail
    ? await sendOnce(call.socketPath, line, waitMs)
    : await sendUntilAccepted(call.socketPath, line, call.patienceMs);
  const text = `custom-dfn: ${textOf(result)}`;
  if (!tail && !isTaken(result)) return print(1, `${text}; unix:${call.socketPath}`);
  if (!call.debug) return 0;
  return print(0, isTaken(result) ? text : `${text}; the tail of alerts.json has the alert`);
}

function isTaken(result: Exchange): boolean {
  return result.kind === "answered" && result.answer.status !== "rejected";
}

function textOf(result: Exchange): string {
  return result.kind === "answered" ? formatAnswer(result.answer).trimEnd() : result.reason;
}

function orBadFile<T>(read: () => T): T | BadFile {
  try {
    return read();
  } catch (reason) {
    if (reason instanceof BadFile) return reason;
    throw reason;
  }
}

/** Writes past `process.stdout`, whose making costs a millisecond. Errors go to standard error. */
function print(code: number, text: string): number {
  try {
    writeSync(code === 0 ? 1 : 2, `${text}\n`);
  } catch {
    // nobody reads; the exit code still says it
  }
  return code;
}
