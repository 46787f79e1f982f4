/** What `verify` prints. */
import { lasting } from "../../telemetry/lasting.ts";
import { printable, toPrintableJson } from "../../printable.ts";
import { nodeText, type VerifyFinding } from "../../verify/finding.ts";
import type { VerifyResult } from "../../verify/verification.ts";

/** Findings that are printed; `--json` has all. */
const maxShown = 200;
const columns = ["complete", "mended", "repeated", "pending"] as const;

const words = {
  complete: "complete: all that was announced is there, once and unaltered",
  unproven: "unproven: all that was announced is there, but nobody knows who announced it",
  incomplete: "NOT complete",
  unknown: "it cannot be known whether all is there",
} as const;

/** For a person. */
export function verifyText(result: VerifyResult): string {
  const lines = [words[result.result], ...unprovenLines(result), "", ...table(result), "", ...countLines(result)];
  if (result.findings.length > 0)
    lines.push("", "Findings", ...result.findings.slice(0, maxShown).flatMap(findingLines));
  const more = result.findings.length - maxShown + result.findingsLeftOut;
  if (result.findings.length > maxShown || result.findingsLeftOut > 0)
    lines.push(`  and ${more} more: --json, --since, --node`);
  if (result.unknown.length > 0) lines.push("", "Cannot be known", ...result.unknown.map((text) => `  ${text}`));
  if (result.warnings.length > 0) lines.push("", "Warnings", ...result.warnings.map((text) => `  ${text}`));
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function unprovenLines({ result, nodes }: VerifyResult): string[] {
  if (result !== "unproven") return [];
  const names = nodes.filter(({ isProven }) => !isProven).map(({ node }) => nodeText(node));
  return [`no key was given for ${names.join(", ")}: --key NODE=PUBLIC, from wazuh-dfn manifest key there`];
}

function table({ nodes }: VerifyResult): string[] {
  const rows = nodes.map(({ node, records, verdicts, lagMs }) => {
    const known = columns.map((name) => String(verdicts[name] ?? 0));
    const others = Object.entries(verdicts).filter(([name]) => !columns.some((column) => column === name));
    const lag = lagMs === undefined ? "-" : lasting(lagMs / 1000);
    return [
      nodeText(node),
      String(records),
      ...known,
      lag,
      others.map(([name, count]) => `${count} ${name}`).join(", "),
    ];
  });
  const all = [["NODE", "RECORDS", ...columns.map((name) => name.toUpperCase()), "LAG", "OTHER BUCKETS"], ...rows];
  const widths = all[0]!.map((_, column) => Math.min(40, Math.max(...all.map((row) => row[column]!.length))));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

function countLines({ manifests, records, foreignRecords, digestsChecked, nodes }: VerifyResult): string[] {
  const complete = nodes.reduce((sum, { verdicts }) => sum + (verdicts["complete"] ?? 0), 0);
  const lines = [
    `${manifests} manifests and ${records} records were read; of ${complete} complete buckets ${digestsChecked} were compared by digest, the others by sum`,
  ];
  if (foreignRecords > 0) lines.push(`${foreignRecords} records in the topics are not the forwarder's`);
  return lines;
}

function findingLines({
  kind,
  node,
  hour,
  topic,
  handler,
  count,
  buckets,
  stream,
  sequences,
  text,
  ask,
}: VerifyFinding): string[] {
  const what = topic === undefined ? "" : ` ${topic} ${handler}, ${count} ${count === 1 ? "record" : "records"}`;
  const [first, last] = sequences ?? [];
  const numbers = first === undefined ? "" : ` ${stream} sequence ${first === last ? first : `${first} to ${last}`}`;
  const minutes = buckets.filter((bucket) => bucket !== hour).map((bucket) => bucket.slice(11, 16));
  const when = minutes.length === 0 ? "" : ` at ${minutes.join(", ")}`;
  return [
    `  ${kind.padEnd(17)} ${nodeText(node)}  ${hour ?? "-"}${what}${numbers}${when}`,
    `    ${text}`,
    `    ${ask}`,
  ];
}

/** For programs. */
export function verifyJson(result: VerifyResult): string {
  const { streams, live, isUnread: _, ...rest } = result;
  const shown = streams.map(({ stream, chain, isProven, names }) => {
    const [first, last] = [chain[0], chain.at(-1)];
    const time = last === undefined ? null : new Date(last.timeMs).toISOString();
    const sequences = [first?.sequence, last?.sequence];
    return {
      stream,
      node: last?.node,
      names,
      sequences,
      time,
      stopped: last?.isStopping,
      isProven,
      isLive: live.has(stream),
    };
  });
  return `${toPrintableJson({ ...rest, streams: shown }, 2)}\n`;
}
