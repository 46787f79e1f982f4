import assert from "node:assert/strict";
import { hostname } from "node:os";
import { after, before, test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { present } from "../rig/present.ts";
import { readTopic, type ReadRecord } from "../rig/read-topic.ts";
import { Saboteur, withHeader, type Forged } from "../rig/saboteur.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { headerOf } from "../rig/wazuh/ledger.ts";
import { ProvenWorld, verified } from "./proven-world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

const hourMs = 3_600_000;
/** What `audit --json` has of figures that are 0 in a complete log. */
const none = { missing: 0, twice: 0, altered: 0, reprinted: 0, deadLetters: 0, pending: 0, unlined: 0, unknown: 0 };

/** What somebody does to the topics of a node, and what the two sides must say of it. */
interface Sabotage {
  readonly what: string;
  readonly records?: (all: readonly ReadRecord[]) => readonly Forged[];
  readonly manifests?: (all: readonly ReadRecord[]) => readonly Forged[];
  /** Kinds of `verify`'s findings: those of records at the node and hour of the record, the others at the one that speaks. */
  readonly verify: readonly string[];
  /** What `audit` finds, at the node and hour of the record. */
  readonly audit?: "missing" | "twice" | "altered" | "unlined";
}

const middle = (all: readonly ReadRecord[]): number => Math.floor(all.length / 2);
const without = (all: readonly ReadRecord[]): ReadRecord[] => all.toSpliced(middle(all), 1);

/** One byte of the value in the middle is another. */
function altered(all: readonly ReadRecord[]): Forged[] {
  const record = present(all[middle(all)]);
  const value = Buffer.from(present(record.value));
  const at = value.indexOf("a", value.length / 2);
  assert.ok(at > 0);
  value.write("A", at);
  return all.with(middle(all), { ...record, value });
}

/** A record of an alert that the node never had, a moment after the one in the middle. */
function invented(all: readonly ReadRecord[]): Forged[] {
  const record = present(all[middle(all)]);
  const [second = ""] = present(headerOf(record, "wazuh-alert-id")).split(".");
  return [...all, withHeader(record, "wazuh-alert-id", `${second}.999999999`)];
}

/** Without a manifest that announces nothing: its number alone is missing. */
function withoutIdle(all: readonly ReadRecord[]): Forged[] {
  const at = all.findIndex(({ value }, place) => place > 0 && !present(value).toString().includes('"count":'));
  assert.ok(at > 0 && at < all.length - 1, `${at} of ${all.length}`);
  return all.toSpliced(at, 1);
}

/** A manifest that announces one record more than it did. */
function forged(all: readonly ReadRecord[]): Forged[] {
  const at = all.findIndex(({ value }) => present(value).toString().includes('"count":'));
  const manifest = present(all[at]);
  const text = present(manifest.value)
    .toString()
    .replace(/"count":(\d+)/, (_, count: string) => `"count":${Number(count) + 1}`);
  return all.with(at, { ...manifest, value: Buffer.from(text) });
}

const sabotages: readonly Sabotage[] = [
  { what: "nothing", verify: [] },
  { what: "a record is deleted", records: without, verify: ["missing"], audit: "missing" },
  {
    what: "a record is there twice",
    records: (all) => [...all, present(all[middle(all)])],
    verify: ["doubled"],
    audit: "twice",
  },
  { what: "a record is altered", records: altered, verify: ["altered"], audit: "altered" },
  { what: "a record is invented", records: invented, verify: ["invented"], audit: "unlined" },
  { what: "a manifest is deleted", manifests: withoutIdle, verify: ["manifest-missing"] },
  { what: "a manifest is forged", manifests: forged, verify: ["manifest-forged", "manifest-missing"] },
];

test("what is done to the records and manifests of a node is named by verify and by audit, with node, hour and kind", async () => {
  // Late in the previous hour, so that every alert is of the same hour and day.
  const startMs = Math.floor(Date.now() / hourMs) * hourMs - hourMs / 3;
  await using proven = await ProvenWorld.create(kafka, { startMs, topic: { partitions: 1 } });
  const { world, manifests: manifestTopic } = proven;
  const sources = { socket: { path: world.socketPath }, tail: { start: "beginning" } };
  const settings = { ...proven.settings, sources };
  // Of what came before the log's first second an audit cannot say that it is invented.
  world.analysisd.write(Buffer.from(`{"timestamp":"t","rule":{"level":1},"id":"${startMs / 1000 - 3600}.1"}\n`));
  // Written before the start: an alert's time is that of its writing, so what comes later is never of an earlier hour.
  world.analysisd.emit(300);
  world.analysisd.flush();
  const forwarder = await world.startForwarder(settings);
  await kafka.recordsReach(world.topic, world.ledger.expected);
  // Some that announce nothing follow the one that announces the records.
  await eventually("manifests of all records", async () => (await proven.judge()).announced === world.ledger.expected);
  await kafka.recordsReach(manifestTopic, (await kafka.recordCount(manifestTopic)) + 3);
  assert.equal((await forwarder.stop()).ended, 0);
  const records = await world.readTopic();
  const manifests = await readTopic(kafka.addresses, manifestTopic);
  const record = present(records[middle(records)]);
  const node = present(headerOf(record, "wazuh-node"));
  const hour = hourOf(record);
  const saboteur = new Saboteur(kafka);
  for (const { what, ...sabotage } of sabotages) {
    await saboteur.rewrite(world.topic, 1, sabotage.records?.(records) ?? records);
    await saboteur.rewrite(manifestTopic, 1, sabotage.manifests?.(manifests) ?? manifests);
    const verdict = await verified(proven);
    const wrong = sabotage.verify.length > 0;
    const places = verdict.findings.map(({ kind, node: at, hour: of, topic }) => {
      return topic === undefined ? `${kind} ${at}` : `${kind} ${at} ${of}`;
    });
    const expected = sabotage.verify.map((kind) =>
      kind.startsWith("manifest") ? `${kind} ${hostname()}` : `${kind} ${node} ${hour}`,
    );
    assert.deepEqual(
      [verdict.code, places.toSorted()],
      [wrong ? 1 : 0, expected],
      `${what}: ${JSON.stringify(verdict)}`,
    );
    const audit = world.command("audit", ["--json"], settings);
    const code = await audit.end();
    const { total, findings } = JSON.parse(audit.outputLines.join("\n"));
    const kind = sabotage.audit;
    const { relevant: _, inKafka: __, ...figures } = total;
    assert.deepEqual(
      figures,
      kind === undefined ? none : { ...none, [kind]: 1 },
      `${what}: ${JSON.stringify(findings)}`,
    );
    const found = findings.map((one: Record<string, unknown>) => [one["kind"], one["node"], one["hour"]]);
    assert.deepEqual([code, found], kind === undefined ? [0, []] : [1, [[kind, node, hour]]], what);
  }
});

/** The hour of a record's alert, as both commands name it. */
function hourOf(record: ReadRecord): string {
  const second = Number(present(headerOf(record, "wazuh-alert-id")).split(".")[0]);
  return `${new Date(second * 1000).toISOString().slice(0, 13)}Z`;
}
