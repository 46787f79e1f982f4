import { mask } from "../config/values/printed.ts";
import type { Table, Tree } from "../config/values/tree.ts";
import { formatDuration } from "../config/values/units.ts";
import { byHand, type Given, notNeeded, type MigrationOutcome, type Target, taken } from "./rule.ts";

/** Batches here have at most this many bytes. */
const mostBatchBytes = 900_000;

type Inner = (text: string) => { readonly targets: readonly Target[]; readonly why: string; readonly isOpen?: true };

const gone =
  (why: string): Inner =>
  () => ({ targets: [], why });

/** What becomes of the settings of the Python daemon's Kafka client (aiokafka). */
const known: Readonly<Record<string, Inner>> = {
  linger_ms: (text) => ({ targets: [["sink.kafka.linger", formatDuration(Math.min(Number(text), 10_000))]], why: "" }),
  acks: gone("always all in-sync replicas"),
  enable_idempotence: gone("always"),
  max_batch_size: gone("larger batches cost less and wait no longer: sink.kafka.batch_bytes"),
  max_request_size: (text) =>
    Number(text) < mostBatchBytes
      ? { targets: [["sink.kafka.batch_bytes", `${Math.max(Number(text), 1000)}B`]], why: "" }
      : { targets: [], why: `batches have at most ${mostBatchBytes} bytes` },
  request_timeout_ms: (text) => ({
    targets: [["sink.kafka.request_timeout", formatDuration(Math.min(Math.max(Number(text), 1000), 300_000))]],
    why: "",
  }),
  client_id: (text) => ({ targets: [["sink.kafka.client_id", text]], why: "" }),
  compression_type: gone("kafka.compression_type is what counts"),
  security_protocol: gone("follows from sink.kafka.tls and sink.kafka.sasl"),
  sasl_mechanism: (text) => ({ targets: [["sink.kafka.sasl.mechanism", text.toLowerCase()]], why: "" }),
  sasl_plain_username: (text) => ({ targets: [["sink.kafka.sasl.username", text]], why: "" }),
  sasl_plain_password: () => ({
    targets: [["sink.kafka.sasl.password_file", "/etc/wazuh-dfn/password"]],
    why: "write the password into /etc/wazuh-dfn/password, readable by the forwarder's user alone",
    isOpen: true,
  }),
  retry_backoff_ms: gone("pauses grow by themselves"),
  metadata_max_age_ms: gone("leaders are asked about when they change"),
  connections_max_idle_ms: gone("connections are kept"),
};

const numbers: ReadonlySet<string> = new Set(["linger_ms", "max_request_size", "request_timeout_ms"]);

/** The rule for `kafka.producer_config`. */
export function ownProducerSettings({ tree, text }: Given): MigrationOutcome {
  const table = tree?.kind === "table" ? tree : fromJson(text);
  if (table === undefined) {
    return text === "" ? notNeeded("none was set") : byHand("this is not a section of settings");
  }
  const targets: Target[] = [];
  const reasons: string[] = [];
  let isOpen = false;
  for (const [name, entry] of table.entries) {
    const rule = Object.hasOwn(known, name) ? known[name] : undefined;
    const value = entry.kind === "text" ? entry.text : undefined;
    if (rule === undefined || value === undefined || (numbers.has(name) && !(Number(value) >= 0))) {
      reasons.push(`${name}: has no counterpart here`);
      isOpen = true;
      continue;
    }
    const { why, ...inner } = rule(value);
    targets.push(...inner.targets);
    isOpen ||= inner.isOpen === true;
    reasons.push(`${name}: ${inner.targets.map(([ours]) => ours).join(", ") || why}${inner.isOpen ? `; ${why}` : ""}`);
  }
  return (isOpen ? byHand : taken)(reasons.join("; "), ...targets);
}

/** As it may be shown: without the password. */
export function withoutPasswords(tree: Tree): string {
  if (tree.kind !== "table") return tree.kind === "text" ? tree.text : tree.items.map(withoutPasswords).join(", ");
  const shown = [...tree.entries].map(([name, entry]) => {
    return `${name}: ${/password|secret|token/i.test(name) ? mask : withoutPasswords(entry)}`;
  });
  return `{ ${shown.join(", ")} }`;
}

/** In the environment it is JSON. */
function fromJson(text: string): Table | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Told by the caller, who knows what it was to be.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const origin = { kind: "environment", variable: "KAFKA_PRODUCER_CONFIG" } as const;
  const entries = Object.entries(value).map(([name, inner]): [string, Tree] => [
    name,
    { kind: "text", text: String(inner), origin },
  ]);
  return { kind: "table", entries: new Map(entries), origin };
}
