/** Whichever source pushes a copy, to the pairing it is one way. Each pair of such sources is tried, as they are defined. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { perSource, sourceDefinitions, type SourceName } from "../../../daemon/contract.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import { alertBytes, Delivery, settle } from "../../rig/delivery.ts";
import { header, MemorySink } from "../../rig/memory-sink.ts";

const names: SourceName[] = [];
perSource((name) => names.push(name));
const push = names.filter((name) => sourceDefinitions[name].kind === "push");
const log = names.filter((name) => sourceDefinitions[name].kind === "log");
const pairs = push.flatMap((first) => push.map((second) => ({ first, second })));
const bytes = alertBytes("1700000000.1");

function paired({ socketOnly = false } = {}): Pairing<Shipment> {
  return new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly });
}

function begun(pairing: Pairing<Shipment>): { delivery: Delivery; sink: MemorySink } {
  const sink = new MemorySink();
  return { sink, delivery: new Delivery({ sink, pairing }).begin() };
}

/** What a source is answered to the alert. */
function offered(delivery: Delivery, source: SourceName): string {
  const { verdict } = delivery.offer(source, bytes);
  return verdict.kind === "deferred" && verdict.alreadySeen ? "seen before" : verdict.kind;
}

test("there is a source that pushes, and one log", () => {
  assert.ok(push.length > 0);
  assert.equal(log.length, 1);
});

for (const { first, second } of pairs) {
  test(`an alert of ${first} that ${second} brings too, and the log, is sent once`, async () => {
    const { delivery, sink } = begun(paired());
    assert.deepEqual(
      [first, second, ...log].map((source) => offered(delivery, source)),
      ["taken", "seen before", "duplicate"],
    );
    await settle();
    assert.equal(sink.records.length, 1);
  });

  test(`a line of the log has one copy, which ${first} has brought before ${second}`, async () => {
    const { delivery, sink } = begun(paired());
    assert.deepEqual(
      [...log, first, second].map((source) => offered(delivery, source)),
      ["taken", "duplicate", "seen before"],
    );
    await settle();
    assert.equal(sink.records.length, 1);
  });

  test(`what ${first} brought before a proper stop is known when ${second} brings it after that`, async () => {
    const before = paired();
    const { delivery } = begun(before);
    assert.equal(offered(delivery, first), "taken");
    await settle();
    const after = paired();
    after.restore(before.save(), -1);
    const restarted = begun(after);
    assert.deepEqual(
      [second, ...log].map((source) => offered(restarted.delivery, source)),
      ["seen before", "duplicate"],
    );
    assert.equal(restarted.sink.records.length, 0);
  });

  test(`without a log, ${second} has the outcome of what ${first} has brought`, async () => {
    const { delivery, sink } = begun(paired({ socketOnly: true }));
    assert.equal(offered(delivery, first), "taken");
    const again = delivery.offer(second, bytes);
    assert.equal(again.verdict.kind, "duplicate");
    await settle();
    assert.deepEqual(again.outcomes, ["acknowledged"]);
    assert.equal(sink.records.length, 1);
  });
}

for (const name of names) {
  test(`what ${name} brings is counted for it, and its record names it`, async () => {
    const { delivery, sink } = begun(paired());
    assert.equal(offered(delivery, name), "taken");
    await settle();
    const [record] = sink.records;
    assert.ok(record !== undefined);
    assert.equal(header(record, "wazuh-dfn-source"), sourceDefinitions[name].header);
    for (const other of names) assert.equal(delivery.counters[other].acknowledged, other === name ? 1 : 0, other);
  });
}
