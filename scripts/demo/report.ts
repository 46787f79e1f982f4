import { headerOf, type Judgement } from "../../test/rig/wazuh/ledger.ts";
import type { ReadRecord } from "../../test/rig/read-topic.ts";
import type { IntegrationCall } from "../../test/rig/wazuh/integratord.ts";

/** Prints a step when it is over, with the time that it took. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  say(`${seconds(performance.now() - started)}  ${what}`);
  return result;
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function sayCalls(calls: readonly IntegrationCall[]): void {
  const took = calls.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const failed = calls.filter(({ exitCode, output }) => exitCode !== 0 || output !== "").length;
  const median = Math.round(took[Math.floor(took.length / 2)] ?? 0);
  say(`  custom-dfn       ${calls.length} calls, ${failed} of them with an error, ${median} ms each (median)`);
}

/** Which way each record came, from its header. */
export function sayWays(records: readonly ReadRecord[]): void {
  const came = (source: string): number =>
    records.filter((record) => headerOf(record, "wazuh-dfn-source") === source).length;
  say(`  came out         ${records.length} records: ${came("socket")} by the socket, ${came("file")} by the tail`);
}

/** One record of a kind in full, with its value as it reads when parsed. */
export function sayExample(title: string, format: string, records: readonly ReadRecord[]): void {
  const record = records.find(({ value }) => value?.includes(`"${format}"`));
  if (record === undefined) return;
  say(`\n${title}\n  key ${record.key?.toString() ?? "none"}`);
  for (const [name, value] of record.headers) say(`  header ${name}: ${value?.toString() ?? ""}`);
  const value: unknown = JSON.parse(record.value?.toString() ?? "null");
  say(JSON.stringify(value, undefined, 2).replace(/^/gm, "  "));
}

/** @returns whether the claim holds */
export function sayVerdict({ expected, missing, invented, altered, twice }: Judgement): boolean {
  const holds = expected > 0 && missing.length + invented.length + altered.length + twice === 0;
  const counts = `${missing.length} missing, ${twice} twice, ${altered.length} altered, ${invented.length} made up`;
  say(`\n${holds ? "As promised" : "NOT AS PROMISED"}: of ${expected} relevant alerts ${counts}.`);
  return holds;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}
