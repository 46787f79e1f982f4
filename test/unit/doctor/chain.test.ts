import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf } from "../../../daemon/commands/doctor-text.ts";
import { examine } from "../../../daemon/doctor/chain.ts";
import { failed, ok, unseen, warning, worst } from "../../../daemon/doctor/result.ts";

test("a link that hangs or throws counts as failed and delays no other; the order of the links is kept", async () => {
  const findings = await examine(
    [
      { name: "hangs", look: () => new Promise(() => {}) },
      { name: "throws", look: async () => Promise.reject(new Error("EIO")) },
      { name: "works", look: async () => [ok("fine"), warning("odd", "fix it")] },
      { name: "absent", look: async () => [] },
    ],
    20,
  );
  assert.deepEqual(
    findings.map(({ link, state }) => `${link} ${state}`),
    ["hangs failed", "throws failed", "works ok", "works warning"],
  );
  assert.match(findings[0]?.text ?? "", /could not be checked within 0\.02 s/);
  assert.match(findings[1]?.text ?? "", /EIO/);
});

test("the worst result counts; what may not be seen is better than a warning", () => {
  assert.equal(worst([]), "ok");
  assert.equal(worst([ok("a"), unseen("b")]), "unseen");
  assert.equal(worst([unseen("b"), warning("c", "d")]), "warning");
  assert.equal(worst([warning("c", "d"), failed("e", "f"), ok("a")]), "failed");
});

test("the report has a line for each finding, its remedy below it, a count at the end, and nothing that controls a terminal", () => {
  const text = reportOf([
    { link: "a", ...ok("fine") },
    { link: "long name", ...failed("bad \u001b[2J", "fix it") },
  ]);
  assert.equal(
    text,
    "ok       a          fine\nfailed   long name  bad \\u001b[2J\n                    -> fix it\n\n1 failed, 1 ok\n",
  );
});
