import assert from "node:assert/strict";
import { test } from "node:test";
import type { Handler } from "../../../daemon/contract.ts";
import { topicsOf } from "../../../daemon/handlers/registry.ts";
import { Delivery, settle, wantedHandler } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

const wanted = Buffer.from('{"id":"1.1","wanted":true}');

/** Writes where nobody looks after a crash. */
const foreignHandler: Handler = {
  name: "foreign",
  topics: ["declared", "declared-too"],
  needles: [{ kind: "all" }],
  record: (alert) => ({ topic: "elsewhere", value: alert.bytes }),
};

test("a record for a topic that is not looked up is never sent: the handler has failed, and the others go on", async () => {
  const sink = new MemorySink({ partitions: { alerts: 1, elsewhere: 1 } });
  const handlers = [foreignHandler, wantedHandler];
  const delivery = new Delivery({ sink, handlers }).begin();
  const offered = delivery.offer("tail", wanted);
  await settle();
  assert.deepEqual(offered.outcomes, ["dead-letter"]);
  assert.deepEqual(
    sink.written.map(({ topic }) => topic),
    ["alerts"],
  );
  const [entry, ...more] = delivery.deadLetters.entries;
  assert.deepEqual(more, []);
  assert.equal(entry?.handler, "foreign");
  assert.equal(entry?.reason, "handler-error");
  assert.match(entry?.detail ?? "", /topic elsewhere, but declares only declared, declared-too/);
  for (const { topic } of sink.written) assert.ok(topicsOf(handlers).includes(topic));
});

test("a record for any of the topics that the handler declares is sent", async () => {
  const sink = new MemorySink({ partitions: { alerts: 1, elsewhere: 1 } });
  const handler = { ...foreignHandler, topics: ["declared", "elsewhere"] };
  const delivery = new Delivery({ sink, handlers: [handler] }).begin();
  const offered = delivery.offer("tail", wanted);
  await settle();
  assert.deepEqual(offered.outcomes, ["acknowledged"]);
  assert.ok(sink.written.every(({ topic }) => topicsOf([handler]).includes(topic)));
});
