import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome, Owner, Waiter } from "../../../daemon/contract.ts";
import { fingerprintOf } from "../../../daemon/pairing/fingerprint.ts";
import { none, Pairing, type PairedAlert } from "../../../daemon/pairing/pairing.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { seededRandom } from "../../rig/random.ts";
import { ModelPairing, type Way } from "./support/model-pairing.ts";

class TestShipment implements PairedAlert {
  handle = 0;
  source: Way;
  owner: Owner = { settled: () => undefined };
  outcome: Outcome | undefined;
  waiters: readonly Waiter[] = none;
  isMet: boolean;

  constructor(source: Way) {
    this.source = source;
    this.isMet = source === "tail";
  }
}

const said = { high: 1, low: 2 };
const contents = [said, { high: 0xffffffff, low: 0x7fffffff }, { high: 0, low: 0 }];

function alert(number: number) {
  return fingerprintOf([String(number)], 0);
}

/** A copy by the socket, and what it was answered at once. */
function copyBy(source: Way): Waiter & { readonly answers: Outcome[] } {
  const answers: Outcome[] = [];
  return { source, answers, owner: { settled: (outcome) => void answers.push(outcome) } };
}

/** A pairing whose window remembers three alerts, and a shipment of the tail for alert 0 that the window forgot. */
function forgotten(): { window: PairingWindow; pairing: Pairing<TestShipment>; shipment: TestShipment } {
  const window = new PairingWindow(4, 1);
  const pairing = new Pairing<TestShipment>(window, { socketOnly: false });
  assert.equal(pairing.pair("tail", alert(0), 1, said, undefined).kind, "first");
  const shipment = new TestShipment("tail");
  pairing.enter(shipment, alert(0), 1);
  for (let other = 1; other <= 3; other++) pairing.pair("tail", alert(other), 1, said, undefined);
  assert.equal(pairing.knows(alert(0)), false);
  return { window, pairing, shipment };
}

test("an open shipment is found by its alert although the window has forgotten the alert", () => {
  const { window, pairing, shipment } = forgotten();
  const copy = copyBy("socket");
  assert.equal(pairing.attach(copy, alert(0), 1), shipment);
  assert.deepEqual(copy.answers, []);
  pairing.done(shipment);
  assert.equal(pairing.attach(copy, alert(0), 1), undefined);
  assert.deepEqual(copy.answers, ["acknowledged"]);
  assert.equal(window.handle(alert(0)), 0, "nothing of it is left");
});

test("it is found when the log brings the alert again, until another shipment takes its place, which outlives it", () => {
  const { window, pairing, shipment } = forgotten();
  assert.equal(pairing.pair("tail", alert(0), 2, said, undefined).kind, "first");
  assert.equal(pairing.attach(copyBy("socket"), alert(0), 1), shipment);
  const later = new TestShipment("tail");
  pairing.enter(later, alert(0), 1);
  assert.equal(pairing.attach(copyBy("socket"), alert(0), 1), later);
  pairing.done(shipment);
  assert.equal(pairing.attach(copyBy("socket"), alert(0), 1), later);
  pairing.done(later);
  assert.equal(pairing.attach(copyBy("socket"), alert(0), 1), undefined);
  assert.equal(window.handle(alert(0)), 0);
});

test("many open shipments of the same alert are found and forgotten one by one, in any order", () => {
  const random = seededRandom(1);
  const pairing = new Pairing<TestShipment>(new PairingWindow(10, 5), { socketOnly: false });
  const shipments = Array.from({ length: 300 }, () => new TestShipment("tail"));
  for (const [index, shipment] of shipments.entries()) {
    assert.deepEqual(pairing.pair("tail", alert(0), 1, said, undefined), {
      kind: "first",
      occurrence: index + 1,
      differs: false,
    });
    pairing.enter(shipment, alert(0), index + 1);
  }
  const open = new Map(shipments.entries());
  while (open.size > 0) {
    const [index, shipment] = [...open][Math.floor(random() * open.size)] ?? [0, undefined];
    if (shipment !== undefined) pairing.done(shipment);
    open.delete(index);
    for (let probe = 0; probe < 5; probe++) {
      const at = Math.floor(random() * shipments.length);
      assert.equal(pairing.attach(copyBy("socket"), alert(0), at + 1), open.get(at));
    }
  }
});

interface Run {
  readonly seed: number;
  readonly socketOnly: boolean;
  readonly alerts: number;
  readonly capacity: number;
  readonly aheadLimit: number;
}

/** A random history, and the same one for the model: every answer is the same, and what is saved in the end. */
function compare({ seed, socketOnly, alerts, capacity, aheadLimit }: Run): void {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const pairing = new Pairing<TestShipment>(new PairingWindow(capacity, aheadLimit), { socketOnly });
  const model = new ModelPairing<TestShipment>(capacity, aheadLimit, socketOnly);
  const kept: TestShipment[] = [];
  for (let step = 0; step < 400; step++) {
    const number = Math.floor(random() ** 2 * alerts);
    const print = alert(number);
    const dice = random();
    if (dice < 0.65) {
      const source: Way = socketOnly || random() < 0.4 ? "socket" : "tail";
      const second = number % 5 === 0 ? -1 : number;
      const content = random() < 0.7 ? said : (pick(contents) ?? said);
      const deferReason = !socketOnly && source === "socket" && random() < 0.1 ? "busy" : undefined;
      const verdict = pairing.pair(source, print, second, content, deferReason);
      assert.deepEqual(verdict, model.pair(source, number, second, content, deferReason), `seed ${seed}, step ${step}`);
      if (verdict.kind === "first" && verdict.differs) {
        assert.equal(pairing.contradicted(print), model.contradicted(number));
      }
      if (verdict.kind === "first" && random() < 0.9) {
        const shipment = new TestShipment(source);
        kept.push(shipment);
        pairing.enter(shipment, print, verdict.occurrence);
        model.enter(shipment, number, verdict.occurrence);
      } else if (verdict.kind === "duplicate") {
        const copy = copyBy(source);
        const expected = model.find(source, number, verdict.occurrence);
        const shipment = pairing.attach(copy, print, verdict.occurrence);
        assert.equal(shipment, expected, `seed ${seed}, step ${step}`);
        const isOpen = shipment !== undefined && shipment.outcome === undefined;
        assert.deepEqual(copy.answers, isOpen ? [] : [shipment?.outcome ?? "acknowledged"]);
        if (isOpen && source === "socket" && shipment.source === "tail" && random() < 0.5) {
          model.forget(shipment);
          pairing.handOver(shipment);
          assert.equal(shipment.source, "socket");
          model.enter(shipment, number, verdict.occurrence);
        }
      }
    } else if (dice < 0.8) {
      const shipment = pick(kept);
      if (shipment !== undefined) shipment.outcome ??= pick(["acknowledged", "dead-letter"] as const);
    } else if (dice < 0.98) {
      const shipment = pick(kept);
      if (shipment?.outcome === undefined) continue;
      pairing.done(shipment);
      model.forget(shipment);
      if (random() < 0.8) kept.splice(kept.indexOf(shipment), 1);
    } else if (random() < 0.3) {
      // As after a stop that somebody called off: what was taken out of the window may come again.
      compareSaved();
    }
    const probe = Math.floor(random() * alerts);
    assert.equal(pairing.knows(alert(probe)), model.knows(probe));
    assert.equal(pairing.size, model.size);
  }
  compareSaved();

  function compareSaved(): void {
    const { forgottenSecond, words } = pairing.save();
    const expected = model.save((number) => alert(number));
    assert.deepEqual({ forgottenSecond, words: [...words] }, expected, `seed ${seed}`);
  }
}

const roomy = { socketOnly: false, alerts: 12, capacity: 30, aheadLimit: 10 };

test("pairs, attaches and saves like maps keyed by alert, way and occurrence", () => {
  for (let seed = 1; seed <= 150; seed++) compare({ ...roomy, seed });
});

test("does so while the window forgets alerts whose shipments are open", () => {
  for (let seed = 1; seed <= 150; seed++) compare({ ...roomy, capacity: 6, aheadLimit: 2, seed });
});

test("does so with the tail off", () => {
  for (let seed = 1; seed <= 60; seed++) compare({ ...roomy, socketOnly: true, capacity: 8, seed });
});
