import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { JoinedSignal } from "../../daemon/joined-signal.ts";

test("it is aborted with the first of its signals, for the same reason, and then listens to none", () => {
  const controllers = [new AbortController(), new AbortController()];
  const joined = new JoinedSignal(controllers.map(({ signal }) => signal));
  assert.equal(joined.signal.aborted, false);
  const reason = new Error("enough");
  controllers[1]?.abort(reason);
  controllers[0]?.abort(new Error("too late"));
  assert.equal(joined.signal.reason, reason);
  for (const { signal } of controllers) assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("one of its signals may be aborted before", () => {
  const { signal } = new AbortController();
  const joined = new JoinedSignal([signal, AbortSignal.abort("over")]);
  assert.equal(joined.signal.reason, "over");
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("once disposed it follows no signal", () => {
  const controller = new AbortController();
  const joined = new JoinedSignal([controller.signal]);
  joined[Symbol.dispose]();
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  controller.abort();
  assert.equal(joined.signal.aborted, false);
});
