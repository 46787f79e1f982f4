/** What may happen to the topic of manifests. */
import { present } from "../present.ts";
import { isoOf, newKey, NodeWriter } from "./node-writer.ts";
import { incomplete, sabotaged, type Sabotage } from "./sabotage-case.ts";
import { hourMs, Scene } from "./scene.ts";

export const sabotagedManifests: readonly Sabotage[] = [
  sabotaged(
    "manifests are sent twice, and in another order",
    (scene) => {
      scene.manifests.push(...scene.manifests.slice(3, 6));
      scene.manifests.reverse();
    },
    () => ({ result: "complete" }),
  ),
  sabotaged(
    "a manifest is dropped",
    (scene) => scene.manifests.splice(scene.manifestAt("north", 70), 1),
    (scene) => incomplete(`manifest-missing north ${scene.hour(70)}`),
  ),
  sabotaged(
    "the first manifests are dropped",
    (scene) => {
      const first = [scene.manifestAt("south", 10), scene.manifestAt("south", 20)];
      scene.manifests = scene.manifests.filter((_, at) => !first.includes(at));
    },
    (scene) => incomplete(`manifest-missing south ${scene.hour(20)}`),
  ),
  sabotaged(
    "the next manifest is forged with another key, and announces what is not there",
    (scene) => {
      const node = scene.node("north");
      node.pending = [node.unannounced(scene.topic, scene.now / 1000)];
      scene.manifests.push({ key: "north", value: node.signed(node.manifest(scene.now), newKey()) });
    },
    (scene) => incomplete(`manifest-forged north ${isoOf(scene.now).slice(0, 13)}Z`),
  ),
  sabotaged(
    "a manifest is changed and keeps its signature",
    (scene) => {
      const at = scene.manifestAt("north", 70);
      const { key, value } = present(scene.manifests[at]);
      scene.manifests.splice(at, 1, {
        key,
        value: Buffer.from(
          value
            .toString()
            .replace('"ignored":10', '"ignored":11')
            .replace(/"total":(\d+)/, (_, total) => `"total":${Number(total) + 1}`),
        ),
      });
    },
    (scene) => incomplete(`manifest-forged north ${scene.hour(70)}`, `manifest-missing north ${scene.hour(70)}`),
  ),
  sabotaged(
    "a manifest without signature is added next to the signed one",
    (scene) => {
      const at = scene.manifestAt("south", 70);
      const { signature: _, key: __, ...rest } = JSON.parse(present(scene.manifests[at]).value.toString());
      scene.manifests.push({ key: "south", value: unsigned({ ...rest, software: "other" }) });
    },
    (scene) => incomplete(`manifest-unsigned south ${scene.hour(70)}`),
  ),
  sabotaged(
    "one sequence has two contents, both signed by the node",
    (scene) => {
      const at = scene.manifestAt("south", 70);
      const { signature: _, key: __, ...rest } = JSON.parse(present(scene.manifests[at]).value.toString());
      scene.manifests.push({ key: "south", value: scene.node("south").signed({ ...rest, records: [] }) });
    },
    (scene) => incomplete(`fork south ${scene.hour(70)}`),
  ),
  sabotaged(
    "another node, without a key, announces an invented record of a node that has one",
    (scene) => {
      const evil = new NodeWriter("evil", undefined);
      evil.key = undefined;
      evil.names.push("north");
      const second = scene.startMs / 1000 + 90 * 60 + 7;
      scene.records.push(evil.record(scene.topic, second, { header: "north" }));
      scene.manifests.push(scene.cut(evil, scene.now, { open_from: isoOf(scene.startMs).slice(0, 16) + "Z" }));
    },
    (scene) => incomplete(`invented north ${scene.hour(90)}`),
  ),
  sabotaged(
    "something else is in the topic of manifests",
    (scene) => scene.manifests.push({ key: "north", value: Buffer.from("\u001b[2Jhello") }),
    () => ({ result: "incomplete", findings: ["manifest-foreign north null"] }),
  ),
  sabotaged(
    "a manifest of a later version is in the topic",
    (scene) => scene.manifests.push({ key: "north", value: Buffer.from('{"version":2}') }),
    () => ({ result: "unknown", unknown: /1 manifests are of version 2/ }),
  ),
  {
    title: "a node is silenced for an hour, while its records go on",
    make: (topic, now) =>
      new Scene(topic, now, {
        cut: (scene, node, at) =>
          node.node === "south" && at > scene.startMs + 100 * 60_000 ? undefined : scene.cut(node, at),
      }),
    expected: (scene) => incomplete(`silent south ${scene.hour(100)}`),
  },
  {
    title: "a node is stopped on purpose",
    make: (topic, now) =>
      new Scene(topic, now, {
        before: (scene, node, at) => (node.node === "south" && at >= scene.startMs + 2 * hourMs ? false : undefined),
        cut(scene, node, at) {
          if (node.node === "north" || at < scene.startMs + 2 * hourMs) return scene.cut(node, at);
          return at === scene.startMs + 2 * hourMs ? scene.cut(node, at, { stopping: true }) : undefined;
        },
      }),
    expected: () => ({ result: "complete" }),
  },
  {
    title: "the lines of a manifest do not add up",
    make: (topic, now) =>
      new Scene(topic, now, {
        cut(scene, node, at) {
          const isWrong = node.node === "north" && at === scene.startMs + 2 * hourMs;
          const lines = { total: 5, ignored: 4, relevant: 0, too_old: 0, broken: 0, salvaged: 0 };
          return scene.cut(node, at, isWrong ? { lines } : {});
        },
      }),
    expected: (scene) => incomplete(`inconsistent north ${scene.hour(120)}`),
  },
];

function unsigned(manifest: Parameters<NodeWriter["signed"]>[0]): Buffer {
  const node = new NodeWriter("any", newKey());
  node.key = undefined;
  return node.signed(manifest);
}
