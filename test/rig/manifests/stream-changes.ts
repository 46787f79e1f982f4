/** What may happen to a node and its chain of manifests: other keys, names and streams. */
import { randomUUID } from "node:crypto";
import { present } from "../present.ts";
import { newKey, type NodeWriter, publicKeyText, sha256Hex, type WrittenRecord } from "./node-writer.ts";
import { incomplete, type Sabotage } from "./sabotage-case.ts";
import { hourMs, Scene } from "./scene.ts";

/** Changes of a node at two hours after the beginning, announced in the manifest before or not. */
function change(title: string, isAnnounced: boolean, what: "key" | "name"): Sabotage {
  const late = newKey();
  return {
    title,
    make: (topic, now) =>
      new Scene(topic, now, {
        cut(scene, node, at) {
          const isBefore = at === scene.startMs + 2 * hourMs && scene.nodes[0] === node;
          const announcement = what === "key" ? { next_key: publicKeyText(late) } : { next_node: "north-2" };
          const manifest = scene.cut(node, at, isBefore && isAnnounced ? announcement : {});
          if (isBefore && what === "key") node.key = late;
          if (isBefore && what === "name") node.names.push((node.node = "north-2"));
          return manifest;
        },
      }),
    expected(scene) {
      if (isAnnounced) return { result: "complete" };
      const hours = [
        ...new Set([130, 170, (scene.now - scene.startMs) / 60_000].map((minutes) => scene.hour(minutes))),
      ];
      return what === "key"
        ? incomplete(...hours.map((hour) => `manifest-forged north ${hour}`))
        : incomplete(`node-renamed north-2 ${scene.hour(130)}`);
    },
  };
}

/** A key is rotated at one hour and a half, and a new stream begun at two hours. @param isOld with the key that was replaced */
function rotatedAndLost(title: string, isOld: boolean): Sabotage {
  return {
    title,
    make: (topic, now) =>
      new Scene(topic, now, {
        cut(scene, node, at) {
          if (node !== scene.nodes[0]) return scene.cut(node, at);
          const minutes = (at - scene.startMs) / 60_000;
          if (minutes === 90) {
            const late = newKey();
            const manifest = scene.cut(node, at, { next_key: publicKeyText(late) });
            node.key = late;
            return manifest;
          }
          if (minutes !== 120) return scene.cut(node, at);
          const succeeds = { stream: node.stream, sequence: node.sequence, hash: node.previous, reason: "lost" };
          Object.assign(node, { stream: randomUUID(), sequence: 0, previous: null });
          if (isOld) node.key = scene.keys.get("north");
          return scene.cut(node, at, { succeeds });
        },
      }),
    expected(scene) {
      if (!isOld) return { result: "complete" };
      const hours = [
        ...new Set([120, 170, (scene.now - scene.startMs) / 60_000].map((minutes) => scene.hour(minutes))),
      ];
      return incomplete(...hours.map((hour) => `manifest-forged north ${hour}`), `silent north ${scene.hour(110)}`);
    },
  };
}

/** Begins a new stream at two hours after the beginning. */
function newStream(
  title: string,
  succeeds: (scene: Scene, node: NodeWriter) => object,
  expected: Sabotage["expected"],
  options?: Sabotage["options"],
): Sabotage {
  const make = (topic: string, now: number): Scene =>
    new Scene(topic, now, {
      cut(scene, node, at) {
        const isFirst = at === scene.startMs + 2 * hourMs && scene.nodes[0] === node;
        if (!isFirst) return scene.cut(node, at);
        const other = succeeds(scene, node);
        node.stream = randomUUID();
        node.sequence = 0;
        node.previous = null;
        return scene.cut(node, at, { ...other });
      },
    });
  return { title, make, expected, ...(options !== undefined && { options }) };
}

export const streamChanges: readonly Sabotage[] = [
  change("a key is rotated, and the old one announces it", true, "key"),
  change("a key is exchanged without being announced", false, "key"),
  change("a node is renamed, and announces it", true, "name"),
  change("a node is renamed without announcing it", false, "name"),
  newStream(
    "a state directory is lost, and the new stream says what it goes on from",
    (_, node) => ({ succeeds: { stream: node.stream, sequence: node.sequence, hash: node.previous, reason: "lost" } }),
    () => ({ result: "complete" }),
  ),
  rotatedAndLost("a key is rotated, and the state directory is lost after that", false),
  rotatedAndLost("a stream is begun with a key that was replaced before", true),
  newStream(
    "a new stream goes on from none",
    () => ({}),
    (scene) => incomplete(`new-stream north ${scene.hour(120)}`),
  ),
  newStream(
    "a new stream that goes on from none is accepted by hand",
    () => ({}),
    () => ({ result: "complete" }),
    (scene) => ["--accept", `north=${scene.node("north").stream}`],
  ),
  newStream(
    "a new stream goes on from another content than the one in the topic",
    (_, node) => ({ succeeds: { stream: node.stream, sequence: node.sequence, hash: sha256Hex("x"), reason: "lost" } }),
    (scene) => incomplete(`chain-broken north ${scene.hour(120)}`),
  ),
  {
    title: "a state directory is restored: what came after the backup is announced once more",
    make(topic, now) {
      let backup: { sequence: number; previous: string | null; stream: string } | undefined;
      const since: WrittenRecord[] = [];
      return new Scene(topic, now, {
        cut(scene, node, at) {
          if (node !== scene.nodes[0]) return scene.cut(node, at);
          const minutes = (at - scene.startMs) / 60_000;
          if (minutes === 90) {
            const manifest = scene.cut(node, at);
            backup = { sequence: node.sequence, previous: node.previous, stream: node.stream };
            return manifest;
          }
          if (minutes > 90 && minutes <= 120) since.push(...node.pending);
          if (minutes !== 130) return scene.cut(node, at);
          const { stream, sequence, previous } = present(backup);
          Object.assign(node, { stream: randomUUID(), sequence: 0, previous: null });
          node.pending.unshift(...since);
          return scene.cut(node, at, { succeeds: { stream, sequence, hash: previous, reason: "restored" } });
        },
      });
    },
    expected: () => ({ result: "complete" }),
  },
];
