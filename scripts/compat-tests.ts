import { readdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./repository.ts";

/** Files whose tests need Kafka and hold for every version, besides `integration/kafka-*`. */
const others = [
  "integration/doctor-kafka.test.ts",
  "e2e/alert-to-topic.test.ts",
  "e2e/broker-away.test.ts",
  "e2e/leader-killed.test.ts",
  "e2e/permissions.test.ts",
  "e2e/replay.test.ts",
  "e2e/security.test.ts",
  "e2e/stop-and-kill.test.ts",
  "e2e/topics.test.ts",
];

/** A test that a version cannot take. */
export interface LeftOut {
  /** Versions, by how they begin. */
  readonly versions: readonly string[];
  readonly file: string;
  readonly title: string;
  readonly why: string;
}

const garbled =
  "with Java 17 what these brokers say when they refuse a certificate or a TLS version is garbled on its way, for openssl s_client too, so nobody can name the reason; such a client is still refused";

/** What is not run, by name. Everything else is. */
export const leftOut: readonly LeftOut[] = [
  {
    versions: ["2."],
    file: "integration/kafka-tls.test.ts",
    title: "TLS 1.2 with the default ciphers, and 1.3 alone",
    why: garbled,
  },
  {
    versions: ["2."],
    file: "integration/kafka-tls.test.ts",
    title: "no client certificate when the broker requires one",
    why: garbled,
  },
  {
    versions: ["2."],
    file: "integration/kafka-tls.test.ts",
    title: "a client certificate of an authority that the broker does not know",
    why: garbled,
  },
  {
    versions: ["2."],
    file: "integration/kafka-tls.test.ts",
    title: "replaced certificates are used without a restart; with unusable ones the former stay in use",
    why: garbled,
  },
  {
    versions: ["2."],
    file: "integration/doctor-kafka.test.ts",
    title: "our own certificate: good, expired, not accepted by the broker, with the key of another",
    why: garbled,
  },
  {
    versions: ["2."],
    file: "integration/kafka-forgotten.test.ts",
    title: "an outage longer than Kafka remembers producers: what was in flight is not sent twice",
    why: "brokers before 3.4 look for producers to forget every ten minutes only, and no setting changes that",
  },
];

/** The test files that `npm run compat` runs, paths below test/. */
export function compatFiles(): string[] {
  const names = readdirSync(join(repositoryRoot, "test/integration")).toSorted();
  const ofKafka = names.filter((name) => name.startsWith("kafka-") && name.endsWith(".test.ts"));
  return [...ofKafka.map((name) => join("integration", name)), ...others];
}

/** What a version cannot take. */
export function leftOutOf(version: string): readonly LeftOut[] {
  return leftOut.filter(({ versions }) => versions.some((start) => version.startsWith(start)));
}
