import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { Alert } from "../../../daemon/alert/alert.ts";
import { NotJson } from "../../../daemon/alert/json.ts";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { Relevance } from "../../../daemon/delivery/relevance.ts";
import { createHandlers } from "../../../daemon/handlers/registry.ts";
import { defaultEventIds } from "../../../daemon/handlers/windows.ts";
import { Delivery, settle } from "../../rig/delivery.ts";
import { header, MemorySink } from "../../rig/memory-sink.ts";
import { linesOf } from "../chunks.ts";
import { parsedObject } from "../oracles.ts";
import { alerts, alertWords, clearedAlert, fail2banAlert, hostileJson, windowsAlert } from "../seeds.ts";
import type { Target } from "../target.ts";
import { readXml } from "../xml-check.ts";

const handlers = createHandlers(
  { customerId: "dfn", ownNetwork: ["10.0.0.0/8"] },
  {
    windows: { eventIds: defaultEventIds },
    fail2ban: {},
    passthrough: { topic: "all", level: 3 },
  },
);
const filter = new Relevance(handlers.filter(({ name }) => name !== "passthrough").flatMap(({ needles }) => needles));

/** Each line waits for its outcome. */
const mostLines = 20;

/** Lines on their whole way, from both sources, into a sink: handlers, records, counters and outcomes. */
export const pipeline: Target = {
  name: "pipeline",
  seeds: [
    ...alerts,
    ...hostileJson,
    Buffer.concat([windowsAlert, Buffer.from("\n"), windowsAlert, Buffer.from("\n"), clearedAlert.subarray(0, 50)]),
    Buffer.concat([clearedAlert.subarray(0, 90), fail2banAlert, Buffer.from("\n\n"), fail2banAlert]),
  ],
  words: [...alertWords, "\n"],
  testInputs: 600,
  open: () => ({ judge, work: (input) => handlers.map((handler) => handler.record(Alert.parse(input))) }),
};

async function judge(input: Buffer): Promise<string> {
  const sink = new MemorySink({ partitions: { dfn: 2, all: 1 } });
  const pairing = new Pairing<Shipment>(new PairingWindow(64, 32), { socketOnly: false });
  const delivery = new Delivery({ sink, handlers, pairing }).begin();
  const kinds = new Set<string>();
  const { lines, rest } = linesOf(input);
  for (const line of [...lines.slice(0, mostLines), rest]) {
    checkRelevance(line);
    for (const source of ["socket", "tail"] as const) {
      const { verdict, outcomes } = delivery.offer(source, line);
      kinds.add(`${source} ${verdict.kind}`);
      await settle();
      assert.equal(outcomes.length, verdict.kind === "ignored" || verdict.kind === "deferred" ? 0 : 1, verdict.kind);
    }
  }
  await delivery.shipper.idle();
  for (const source of ["socket", "tail"] as const) {
    const { read, ignored, paired, inFlight, acknowledged, deadLettered } = delivery.counters[source].snapshot();
    assert.equal(inFlight, 0);
    assert.equal(read, ignored + paired + acknowledged + deadLettered, "the counters are right");
  }
  assert.equal(delivery.budget.usedBytes, 0, "no bytes are left in the budget");
  assert.ok(!delivery.deadLetters.reasons.includes("handler-error"), "no handler throws");
  for (const record of sink.records) checkRecord(header(record, "wazuh-dfn-handler"), record.value ?? Buffer.alloc(0));
  delivery.shipper.dispose();
  delivery.outbox.dispose();
  return `${[...kinds].toSorted().join(", ")}: ${Math.min(sink.records.length, 3)} records`;
}

function checkRecord(handler: string, value: Buffer): void {
  const record = parsedObject(value);
  assert.ok(record !== undefined, `the record of ${handler} is JSON`);
  if (handler !== "passthrough") assert.ok(isUtf8(value));
  if (handler !== "windows") return;
  assert.ok(typeof record["event_raw"] === "string" && record["event_raw"] === record["body"]);
  assert.equal(readXml(record["event_raw"]).name, "Event");
}

/** The search in raw bytes misses nothing that a handler wants if no letter is escaped, which cJSON never does. */
function checkRelevance(line: Buffer): void {
  if (line.includes("\\u") || line.includes("\\/")) return;
  try {
    const alert = Alert.parse(line);
    const isWanted = handlers.some((one) => one.name !== "passthrough" && one.record(alert) !== undefined);
    assert.ok(!isWanted || filter.matches(line), "a wanted alert passes the filter");
  } catch (reason) {
    if (!(reason instanceof NotJson)) throw reason;
  }
}
