/** What a node does on purpose, and what is odd and right. */
import { randomUUID } from "node:crypto";
import { present } from "../present.ts";
import {
  digestHex,
  entriesOf,
  figuresOf,
  hourOf,
  isoOf,
  type NodeWriter,
  sha256Hex,
  type WrittenRecord,
} from "./node-writer.ts";
import { changedRecord, incomplete, type Sabotage } from "./sabotage-case.ts";
import { hourMs, Scene, stepMs } from "./scene.ts";

/** A copy of a record that a replay has sent. */
function replayed(record: WrittenRecord): WrittenRecord {
  return { ...record, headers: { ...record.headers, "wazuh-dfn-source": "replay" } };
}

function addition(
  records: readonly WrittenRecord[] | null,
  begun: number,
  reason = "replay",
  id: string = randomUUID(),
) {
  return { id, reason, begun: isoOf(begun), records: records === null ? null : entriesOf(records) };
}

/** What a node does on purpose, in the manifest of two hours after the beginning. */
function onPurpose(
  title: string,
  act: (scene: Scene, node: NodeWriter, at: number) => object,
  expected: Sabotage["expected"],
): Sabotage {
  const make = (topic: string, now: number): Scene =>
    new Scene(topic, now, {
      cut: (scene, node, at) =>
        scene.cut(
          node,
          at,
          node === scene.nodes[0] && at === scene.startMs + 2 * hourMs ? { ...act(scene, node, at) } : {},
        ),
    });
  return { title, make, expected };
}

/** The records of the node's first hour in the topic. */
function firstHour(scene: Scene): readonly WrittenRecord[] {
  return scene.recordsIn("north", 0).map((at) => present(scene.records[at]));
}

export const doneOnPurpose: readonly Sabotage[] = [
  onPurpose(
    "an hour is replayed, and announced",
    (scene, _, at) => {
      const again = firstHour(scene).map(replayed);
      scene.records.push(...again);
      return { additions: [addition(again, at - stepMs)] };
    },
    () => ({ result: "complete", verdict: "repeated" }),
  ),
  onPurpose(
    "an hour is replayed, and nobody announces it",
    (scene) => {
      scene.records.push(...firstHour(scene).map(replayed));
      return {};
    },
    (scene) => incomplete(`doubled north ${scene.hour(0)}`, `doubled north ${scene.hour(0)}`),
  ),
  onPurpose(
    "a replay goes on",
    (scene, _, at) => {
      scene.records.push(...firstHour(scene).slice(0, 5).map(replayed));
      return { additions: [addition(null, at - stepMs)] };
    },
    () => ({ result: "complete", verdict: "repeated" }),
  ),
  onPurpose(
    "what was missing is sent again, and announced",
    (scene, _, at) => {
      const lost = firstHour(scene).slice(3, 9);
      scene.records = scene.records.filter((record) => !lost.includes(record));
      const again = lost.map(replayed);
      scene.records.push(...again);
      return { additions: [addition(again, at - stepMs, "missing")] };
    },
    () => ({ result: "complete", verdict: "mended" }),
  ),
  onPurpose(
    "a whole hour is replayed because something was missing",
    (scene, _, at) => {
      const all = firstHour(scene);
      scene.records = scene.records.filter((record) => record !== all[4]);
      const again = all.map(replayed);
      scene.records.push(...again);
      return { additions: [addition(again, at - stepMs)] };
    },
    () => ({ result: "complete", verdict: "mended" }),
  ),
  onPurpose(
    "a replay is announced, and half of it is not there",
    (scene, _, at) => {
      const again = firstHour(scene).map(replayed);
      scene.records.push(...again.slice(2));
      return { additions: [addition(again, at - stepMs)] };
    },
    (scene) => incomplete(`missing north ${scene.hour(0)}`, `missing north ${scene.hour(0)}`),
  ),
  onPurpose(
    "dead letters are replayed",
    (scene, node, at) => {
      const again = [replayed(node.unannounced(scene.topic, scene.startMs / 1000 + 600))];
      scene.records.push(...again);
      return { additions: [addition(again, at - stepMs, "dead-letter")] };
    },
    () => ({ result: "complete" }),
  ),
  onPurpose(
    "records of the socket have no line",
    (scene, node) => {
      const ahead = [1, 2, 3].map((at) =>
        node.unannounced(scene.topic, scene.startMs / 1000 + at * 20, { source: "socket" }),
      );
      scene.records.push(...ahead);
      return { unlined: entriesOf(ahead) };
    },
    () => ({ result: "complete" }),
  ),
  onPurpose(
    "an hour is announced as a whole, and a part of it by minutes",
    (_, node) => ({ records: entriesOf(node.pending, hourOf) }),
    () => ({ result: "complete" }),
  ),
  onPurpose(
    "two lines have one id, with one content and with two",
    (scene, node, at) => {
      const record = node.record(scene.topic, at / 1000 - 90);
      const same = { ...record };
      const other = changedRecord(record, "another content");
      node.pending.push(same, other);
      scene.records.push(record, same, other);
      return { records: entriesOf(node.pending) };
    },
    () => ({ result: "complete" }),
  ),
  onPurpose(
    "records have ids without a time",
    (scene, node) => {
      const record = node.unannounced(scene.topic, 0);
      const headers = { ...record.headers, "wazuh-alert-id": "sha256:0123456789abcdef" };
      node.pending.push({ ...record, headers });
      scene.records.push({ ...record, headers });
      return { records: entriesOf(node.pending) };
    },
    () => ({ result: "complete" }),
  ),
  {
    title: "the sum of a bucket is made to fit, and its digest does not",
    make(topic, now) {
      return new Scene(topic, now, {
        cut(scene, node, at) {
          const isIt = node === scene.nodes[0] && at === scene.startMs + 2 * hourMs;
          if (!isIt) return scene.cut(node, at);
          const [first] = node.pending;
          const lie = { ...figuresOf([present(first)]), digest: sha256Hex(digestHex(present(first))) };
          const entries = entriesOf(node.pending).map((entry) =>
            JSON.stringify(entry).includes(figuresOf([present(first)]).sum) ? Object.assign({}, entry, lie) : entry,
          );
          return scene.cut(node, at, { records: entries });
        },
      });
    },
    expected: (scene) => incomplete(`altered north ${scene.hour(110)}`),
  },
  {
    title: "a node's tail is behind while its socket is live: only what it is done with is judged",
    make: (topic, now) =>
      new Scene(topic, now, {
        cut(scene, node, at) {
          if (node !== scene.nodes[1]) return scene.cut(node, at);
          const done = scene.startMs + hourMs;
          const open = node.pending.filter(
            ({ headers }) => Number(headers["wazuh-alert-id"]?.split(".")[0]) * 1000 >= done,
          );
          node.pending = node.pending.filter((record) => !open.includes(record));
          const openFrom = `${isoOf(Math.min(at, done)).slice(0, 16)}Z`;
          return scene.cut(node, at, { open_from: openFrom });
        },
      }),
    expected: () => ({ result: "complete" }),
  },
];
