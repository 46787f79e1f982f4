/** What may happen to the topic of records. */
import { present } from "../present.ts";
import { minuteOf, NodeWriter } from "./node-writer.ts";
import { changedRecord, incomplete, sabotaged, type Sabotage } from "./sabotage-case.ts";

export const sabotagedRecords: readonly Sabotage[] = [
  sabotaged(
    "nothing is wrong",
    () => undefined,
    () => ({ result: "complete" }),
  ),
  sabotaged(
    "one record is deleted",
    (scene) => scene.records.splice(scene.one("north", 70), 1),
    (scene) => incomplete(`missing north ${scene.hour(70)}`),
  ),
  sabotaged(
    "all records of an hour of one node are deleted",
    (scene) => {
      const gone = new Set(scene.recordsIn("south", 70));
      scene.records = scene.records.filter((_, at) => !gone.has(at));
    },
    (scene) => incomplete(`missing south ${scene.hour(70)}`, `missing south ${scene.hour(70)}`),
  ),
  sabotaged(
    "one record is doubled",
    (scene) => scene.records.push(present(scene.records[scene.one("south", 10)])),
    (scene) => incomplete(`doubled south ${scene.hour(10)}`),
  ),
  sabotaged(
    "the value of a record is altered",
    (scene) => {
      const at = scene.one("north", 10);
      scene.records[at] = changedRecord(present(scene.records[at]), '{"altered":true}');
    },
    (scene) => incomplete(`altered north ${scene.hour(10)}`),
  ),
  sabotaged(
    "the value of a record is null",
    (scene) => {
      const at = scene.one("north", 10);
      scene.records[at] = { ...present(scene.records[at]), value: null };
    },
    (scene) => incomplete(`altered north ${scene.hour(10)}`),
  ),
  sabotaged(
    "a record is invented",
    (scene) => {
      const { node } = scene.node("south");
      const second = scene.startMs / 1000 + 90 * 60 + 7;
      scene.records.push(new NodeWriter(node).unannounced(scene.topic, second, { handler: "windows" }));
    },
    (scene) => incomplete(`invented south ${scene.hour(90)}`),
  ),
  sabotaged(
    "three records of one minute are invented, one after the other",
    (scene) => {
      const other = new NodeWriter("south");
      const second = scene.startMs / 1000 + 90 * 60 + 7;
      for (let count = 0; count < 3; count++) scene.records.push(other.unannounced(scene.topic, second));
    },
    (scene) => incomplete(`invented south ${scene.hour(90)}`),
  ),
  sabotaged(
    "records are deleted, doubled, altered and invented in four hours of two nodes",
    (scene) => {
      const second = scene.startMs / 1000 + 30 * 60 + 7;
      scene.records.push(new NodeWriter("north").unannounced(scene.topic, second));
      scene.records.push(present(scene.records[scene.one("north", 130)]));
      const at = scene.one("south", 10);
      scene.records[at] = changedRecord(present(scene.records[at]), "altered");
      scene.records.splice(scene.one("south", 70), 1);
    },
    (scene) =>
      incomplete(
        `invented north ${scene.hour(30)}`,
        `doubled north ${scene.hour(130)}`,
        `altered south ${scene.hour(10)}`,
        `missing south ${scene.hour(70)}`,
      ),
  ),
  sabotaged(
    "a record of one minute is deleted and another one doubled: arithmetic cannot tell",
    (scene) => {
      const name = (at: number): string => {
        const { headers } = present(scene.records[at]);
        return `${minuteOf(headers["wazuh-alert-id"] ?? "")} ${headers["wazuh-dfn-handler"]}`;
      };
      const all = scene.recordsIn("north", 70);
      const doubled = present(all.find((at) => all.some((other) => other !== at && name(other) === name(at))));
      const deleted = present(all.find((at) => at !== doubled && name(at) === name(doubled)));
      const copy = present(scene.records[doubled]);
      scene.records.splice(deleted, 1, copy);
    },
    (scene) => ({ result: "incomplete", findings: [`differs north ${scene.hour(70)}`] }),
  ),
  sabotaged(
    "records of others, without headers, are in the topic",
    (scene) => scene.records.push({ topic: scene.topic, key: "x", value: "hello", headers: {} }),
    () => ({ result: "complete" }),
  ),
  sabotaged(
    "a node without manifests sends records",
    (scene) => scene.records.push(new NodeWriter("west").unannounced(scene.topic, scene.startMs / 1000)),
    () => ({ result: "unknown", unknown: /^west, .*: there are records of this node, and no manifests/ }),
  ),
];
