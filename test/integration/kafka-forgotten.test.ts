import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerConnection } from "../../daemon/sinks/kafka/connection/connection.ts";
import { fetchOffset, newProducerId, produce } from "../../daemon/sinks/kafka/connection/requests.ts";
import { writeRecords } from "../rig/batches.ts";
import { eventually } from "../rig/eventually.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { MuteRelay } from "../rig/mute-relay.ts";
import { present } from "../rig/present.ts";
import { readTopic } from "../rig/read-topic.ts";
import { kafkaOptions, openSink, record, sealedBatch, summary } from "../unit/sinks/kafka/rig.ts";

const topic = "forgotten";

test("an outage longer than Kafka remembers producers: what was in flight is not sent twice", async () => {
  await using relay = await MuteRelay.start();
  await using kafka = await KafkaCluster.start({
    properties: { "producer.id.expiration.ms": 3000, "producer.id.expiration.check.interval.ms": 200 },
    advertised: (address) => {
      relay.target = address;
      return relay.address;
    },
  });
  for (const name of [topic, "probe"]) await kafka.createTopic(name, { partitions: 1 });
  // It knows the broker by its own address as well as by the relay's.
  const address = present(kafka.addresses[0]);
  const direct = new BrokerConnection(address, { options: kafkaOptions([address]), tls: () => undefined });
  await direct.opened;
  await using sink = openSink([address], { forgottenAfterMs: 1000 });
  const send = (id: string): ReturnType<typeof writeRecords> => writeRecords(sink, topic, 0, [record(id)]);
  await send("0");
  relay.isMute = true;
  const written = Promise.all([send("a"), send("b")]);
  await eventually("records without an answer", async () => (await fetchOffset(direct, topic, 0, "next")) === 3);
  await relay.close();
  await isForgotten(direct);
  relay.isMute = false;
  await relay.open();
  assert.deepEqual((await written).map(summary), [[1], [2]]);
  const stored = await readTopic(kafka.addresses, topic);
  assert.deepEqual(
    stored.map(({ value }) => String(value)),
    ["0", "a", "b"],
  );
  direct.close(new Error("no longer needed"));
});

/** Resolves when the broker has forgotten a producer that it has only now seen for the first time. */
async function isForgotten(broker: BrokerConnection): Promise<void> {
  const { producerId } = await newProducerId(broker);
  const send = async (epoch: number): Promise<number> =>
    (await produce(broker, "probe", 0, await sealedBatch("probe", { producerId, epoch }), 5000)).code;
  assert.equal(await send(1), 0);
  // A broker that remembers the later epoch refuses the earlier one.
  await eventually("a producer that is forgotten", async () => (await send(0)) === 0);
}
