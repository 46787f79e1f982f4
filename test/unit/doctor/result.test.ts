import assert from "node:assert/strict";
import { test } from "node:test";
import { unseen } from "../../../daemon/doctor/result.ts";

test("root never reads that it may not see something, nor that it should ask as root", () => {
  const asRoot = unseen("the archives", undefined, true);
  assert.equal(asRoot.text, "the archives: cannot be seen from here");
  assert.doesNotMatch(`${asRoot.text} ${asRoot.remedy ?? ""}`, /may not see|sudo/);
  assert.deepEqual(unseen("the archives", undefined, false), {
    state: "unseen",
    text: "this user may not see the archives",
    remedy: "sudo wazuh-dfn doctor",
  });
});
