import { Kafka } from "./kafka.ts";
import { KafkaCluster } from "./kafka-cluster.ts";

/** Names the brokers of a Kafka that tests share; set by the test command. */
export const sharedBrokersVariable = "WAZUH_DFN_TEST_BROKERS";

/**
 * A Kafka for tests that do nothing to its brokers and use topics of their own: the one that the test command started
 * or was given, or else a separate one, so that a test file also runs by itself.
 */
export async function sharedKafka(): Promise<Kafka> {
  const addresses = process.env[sharedBrokersVariable];
  return addresses === undefined ? KafkaCluster.start() : new Kafka(addresses.split(","));
}
