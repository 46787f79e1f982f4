import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerConnection } from "../../../../../daemon/sinks/kafka/connection/connection.ts";
import type { KafkaOptions } from "../../../../../daemon/sinks/kafka/connection/options.ts";
import { fetchMetadata, produce } from "../../../../../daemon/sinks/kafka/connection/requests.ts";
import { runWatchdog, type WatchdogTools } from "../../../../../daemon/sinks/kafka/connection/watchdog.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { sealedBatch } from "../rig.ts";
import { ScriptedBroker } from "../scripted-broker.ts";

/** A connection whose only request gets no answer, with a watchdog; `tools` says what the watchdog finds out. */
async function underVigil(
  tools: Pick<WatchdogTools, "probe" | "leads">,
  look: (reason: Promise<Error>, connection: BrokerConnection) => Promise<void>,
): Promise<void> {
  await using broker = await ScriptedBroker.start();
  broker.react = () => "silence";
  const options: KafkaOptions = {
    brokers: [broker.address],
    clientId: "test",
    tls: undefined,
    sasl: undefined,
    compression: "none",
    requestTimeoutMs: 60_000,
    maxInFlight: 1,
  };
  const connection = new BrokerConnection(broker.address, { options, tls: () => undefined });
  const stop = new AbortController();
  await connection.opened;
  await fetchMetadata(connection, ["t"]);
  const reason = produce(connection, "t", 0, await sealedBatch("a"), 1000).then(
    () => assert.fail("it was answered"),
    (thrown: Error) => thrown,
  );
  const running = runWatchdog({ ...tools, connections: () => [connection], refresh: async () => {} }, stop.signal);
  try {
    await look(reason, connection);
  } finally {
    stop.abort();
    await running;
    connection.close(new Error("the test is over"));
    await reason;
  }
}

test("a silent connection is ended when the route to its broker was cut and is back again", async () => {
  let probes = 0;
  const probe = async (): Promise<void> => {
    probes += 1;
    if (probes < 3) throw new Error("cannot be reached");
  };
  await underVigil({ probe, leads: () => true }, async (reason) => {
    assert.match((await reason).message, /was interrupted/);
    assert.equal(probes, 3);
  });
});

test("a silent connection is ended when its broker no longer leads anything", async () => {
  await underVigil({ probe: async () => {}, leads: () => false }, async (reason) => {
    assert.match((await reason).message, /leads no partition any more/);
  });
});

test("a broker that is merely slow is left alone", async () => {
  let probes = 0;
  const probe = async (): Promise<void> => void (probes += 1);
  await underVigil({ probe, leads: () => true }, async (_reason, connection) => {
    const beganAt = performance.now();
    await eventually("four probes", () => probes >= 4);
    // Each is a connection of its own, so the delay between them grows: 1, 2 and 4 s.
    assert.ok(performance.now() - beganAt > 6000);
    assert.equal(connection.isOpen, true);
    assert.ok(connection.silentMs > 2000);
  });
});
