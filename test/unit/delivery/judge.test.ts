import assert from "node:assert/strict";
import { test } from "node:test";
import type { Handler } from "../../../daemon/contract.ts";
import { Judge } from "../../../daemon/delivery/judge.ts";
import { LineSplitter } from "../../../daemon/sources/tail/log/line-splitter.ts";
import { mayBeTorn } from "../../../daemon/alert/salvage.ts";
import { createHandlers } from "../../../daemon/handlers/registry.ts";
import { defaultEventIds } from "../../../daemon/handlers/windows.ts";
import { corpusLines } from "../../rig/corpus-lines.ts";
import { Delivery, settle } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

const context = { customerId: "dfn", ownNetwork: ["10.0.0.0/8"] };
const failing: Handler = {
  name: "failing",
  topics: ["dfn"],
  needles: [{ kind: "text", bytes: Buffer.from("eventID") }],
  record() {
    throw new Error("it fails");
  },
};

/** What became of a line on its real way: the values of its records, and reasons of its dead letters. */
async function onItsWay(handlers: readonly Handler[], judge: Judge, line: Buffer): Promise<string[]> {
  const sink = new MemorySink({ partitions: { dfn: 1, all: 1 } });
  const delivery = new Delivery({ sink, handlers }).begin();
  const filter = {
    next: (bytes: Buffer, from: number, end: number) => judge.relevance.next(bytes, from, end),
    ignored: () => undefined,
    mayBeTorn,
  };
  for (const piece of new LineSplitter(filter, 1 << 24).push(Buffer.concat([line, Buffer.from("\n")]))) {
    delivery.offer("tail", Buffer.from(piece.bytes));
  }
  await settle();
  await delivery.shipper.idle();
  const { entries } = delivery.deadLetters;
  delivery.shipper.dispose();
  delivery.outbox.dispose();
  return [
    ...sink.records.map(({ value }) => `record ${value?.toString("base64")}`),
    ...entries.map(({ reason, bytes }) => `${reason} ${bytes.toString("base64")}`),
  ].toSorted();
}

function judged(judge: Judge, line: Buffer): string[] {
  return judge
    .line(line)
    .flatMap((one) => {
      const bytes = line.subarray(one.start, one.end).toString("base64");
      if (one.kind === "broken") return [`${one.reason} ${bytes}`];
      if (one.kind !== "wanted") return [];
      return one.parts.map((part) =>
        "failure" in part ? `handler-error ${bytes}` : `record ${part.value?.toString("base64")}`,
      );
    })
    .toSorted();
}

test("what a line is judged to become is what the pipeline makes of it, for every line of the corpus", async () => {
  const windows = { eventIds: defaultEventIds };
  const choices: readonly (readonly Handler[])[] = [
    createHandlers(context, { windows, fail2ban: {} }),
    createHandlers(context, { windows, fail2ban: {}, passthrough: { topic: "all", level: 3 } }),
    [...createHandlers(context, { windows }), failing],
  ];
  let some = 0;
  for (const handlers of choices) {
    const judge = new Judge(handlers);
    for (const line of corpusLines()) {
      if (line.includes(0x0a)) continue;
      const expected = await onItsWay(handlers, judge, line);
      assert.deepEqual(judged(judge, line), expected, line.toString());
      some += expected.length;
    }
  }
  assert.ok(some > 500, `${some} records and dead letters`);
});
