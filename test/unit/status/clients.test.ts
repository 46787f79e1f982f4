import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import { Clients } from "../../../daemon/status/clients.ts";

/** A limit of eight, and a clock that is set by hand. */
function eight(): { clients: Clients; at: (ms: number) => void; come: (count: number) => Socket[] } {
  let nowMs = 0;
  const clients = new Clients(8, () => nowMs);
  const come = (count: number): Socket[] => {
    const sockets = Array.from({ length: count }, () => new Socket());
    for (const socket of sockets) clients.add(socket);
    return sockets;
  };
  return { clients, at: (ms) => (nowMs = ms), come };
}

const gone = (sockets: readonly Socket[]): boolean[] => sockets.map(({ destroyed }) => destroyed);

test("a new client is always let in: at the limit the oldest one without a request makes room", () => {
  const { clients, come } = eight();
  const first = come(8);
  const [asking] = first;
  assert.ok(asking !== undefined);
  clients.asked(asking);
  come(2);
  assert.equal(clients.size, 8);
  assert.deepEqual(gone(first), [false, true, true, false, false, false, false, false]);
});

test("clients that sent a request go last, the oldest first", () => {
  const { clients, come } = eight();
  const first = come(8);
  for (const socket of first) clients.asked(socket);
  const [second] = come(1);
  assert.deepEqual(gone(first), [true, false, false, false, false, false, false, false]);
  come(1);
  assert.equal(second?.destroyed, true);
  assert.equal(clients.size, 8);
});

test("below the limit, silence is tolerated briefly when there are few other clients, and for long when there are none", () => {
  const { come, at } = eight();
  const first = come(2);
  at(200);
  come(2);
  assert.deepEqual(gone(first), [false, false]);
  at(260);
  come(1);
  assert.deepEqual(gone(first), [true, false]);
  const alone = eight();
  const [only] = alone.come(1);
  alone.at(2000);
  alone.come(1);
  assert.equal(only?.destroyed, false);
});
