import assert from "node:assert/strict";
import { test } from "node:test";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { OwnNode } from "../../../daemon/delivery/own-node.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { alertBytes, Delivery, settle } from "../../rig/delivery.ts";
import { header, MemorySink } from "../../rig/memory-sink.ts";

const worker = (name: string): { cluster: { node: string } } => ({ cluster: { node: name } });

function nodesIn(sink: MemorySink): string[] {
  return sink.records.map((record) => header(record, "wazuh-node"));
}

test("one agent with one alert id on two nodes with the same host name: two alerts, neither is a copy of the other", async () => {
  const sink = new MemorySink();
  const pairing = new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly: false });
  const delivery = new Delivery({ sink, pairing }).begin();
  const same = { timestamp: "2026-11-21T12:00:00.000+0000", rule: { id: "60122" } };
  delivery.offer("tail", alertBytes("1.0", { ...same, ...worker("worker-1") }));
  const { verdict } = delivery.offer("socket", alertBytes("1.0", { ...same, ...worker("worker-2") }));
  assert.equal(verdict.kind, "taken");
  await settle();
  assert.deepEqual(nodesIn(sink), ["worker-1", "worker-2"]);
});

test("on a node that hides its name from the alerts, ossec.conf's name separates its alerts from those of a host with that name", async () => {
  const sink = new MemorySink();
  const pairing = new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly: false });
  const node = new OwnNode({ name: "worker-1", fallbackName: "worker-1" });
  const delivery = new Delivery({ sink, pairing, node }).begin();
  assert.equal(delivery.offer("tail", alertBytes("1.0")).verdict.kind, "taken");
  assert.equal(delivery.offer("socket", alertBytes("1.0")).verdict.kind, "duplicate", "both ways give the same");
  delivery.offer("tail", alertBytes("1.1", worker("worker-2")));
  await settle();
  assert.deepEqual(nodesIn(sink), ["worker-1", "worker-2"]);
});

test("a dead letter names the node of its alert, or if it is not an alert the node that read it", async () => {
  const sink = new MemorySink();
  sink.refuses = () => true;
  const delivery = new Delivery({ sink, node: new OwnNode({ name: "worker-1", fallbackName: undefined }) }).begin();
  delivery.offer("tail", alertBytes("1.0", worker("worker-2")));
  delivery.offer("tail", Buffer.from('{"broken'));
  await settle();
  const nodes = Object.fromEntries(delivery.deadLetters.entries.map(({ reason, node }) => [reason, node]));
  assert.deepEqual(nodes, { "record-too-large": "worker-2", "not-json": "worker-1" });
});

test("a look-up asks for the names under which records were made, and for the node's own", () => {
  const first = new OwnNode({ name: "host", fallbackName: undefined });
  for (const name of ["worker-1", "worker-1", "worker-2", "worker-1"]) first.wrote(name);
  assert.deepEqual(first.names, ["worker-1", "worker-2"]);
  const second = new OwnNode({ name: "worker-3", fallbackName: undefined });
  assert.deepEqual(second.restore(first.names), new Set(["worker-1", "worker-2", "worker-3"]));
  assert.deepEqual(second.names, ["worker-1", "worker-2"], "kept until the names are no longer needed");
});

test("a record under a name that the checkpoint lacks waits until the checkpoint has it, and so does what follows", async () => {
  const sink = new MemorySink();
  const kept: (() => void)[] = [];
  const named = (): void => delivery.shipper.holdFor(new Promise<void>((resolve) => kept.push(resolve)));
  const delivery = new Delivery({ sink, named });
  const offer = (id: string, name: string): void => void delivery.offer("tail", alertBytes(id, worker(name)));
  offer("1.0", "worker-1");
  delivery.begin();
  await settle();
  assert.deepEqual(nodesIn(sink), [], "the look-up is over, and the checkpoint lacks the name");
  kept.shift()?.();
  await settle();
  assert.deepEqual(nodesIn(sink), ["worker-1"]);
  offer("1.1", "worker-1");
  await settle();
  assert.deepEqual(nodesIn(sink), ["worker-1", "worker-1"], "a name that is there delays nothing");

  offer("1.2", "worker-2");
  offer("1.3", "worker-1");
  offer("1.4", "worker-3");
  await settle();
  assert.equal(sink.records.length, 2);
  kept.shift()?.();
  await settle();
  assert.equal(sink.records.length, 2, "the third name has yet to be saved");
  kept.shift()?.();
  await settle();
  assert.deepEqual(nodesIn(sink).slice(2), ["worker-2", "worker-1", "worker-3"]);
  assert.equal(kept.length, 0);
});

test("a failing checkpoint keeps no record back: if it cannot be written, everything is sent", async () => {
  const sink = new MemorySink();
  const named = (): void => delivery.shipper.holdFor(Promise.reject(new Error("no room on the disk")));
  const delivery = new Delivery({ sink, named }).begin();
  delivery.offer("tail", alertBytes("1.0", worker("worker-1")));
  await settle();
  assert.deepEqual(nodesIn(sink), ["worker-1"]);
});

test("if it is not known under whose name records were made, everybody's count", () => {
  const node = new OwnNode({ name: "worker-1", fallbackName: undefined });
  assert.equal(node.restore(undefined), undefined);
  assert.equal(node.restore([]), undefined);
});

test("made-up names take no room: with too many of them, or one that is too long, none is kept", () => {
  const many = new OwnNode({ name: "worker-1", fallbackName: undefined });
  for (let at = 0; at < 64; at++) many.wrote(`node-${at}`);
  assert.equal(many.names.length, 64);
  for (let at = 0; at < 64; at++) many.wrote(`node-${at}`);
  assert.equal(many.names.length, 64);
  assert.equal(many.wrote("node-64"), true, "the checkpoint has to say that they are no longer known");
  assert.deepEqual(many.names, []);
  assert.equal(many.wrote("node-65"), false);
  const long = new OwnNode({ name: "worker-1", fallbackName: undefined });
  long.wrote("worker-1");
  long.wrote("x".repeat(257));
  assert.deepEqual(long.names, []);
});
