import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCall } from "../../../integration/call.ts";

const file = "/tmp/custom-dfn-1690000000-12345.alert";
const redirection = "> /dev/null 2>&1";

test("all positional arguments of a call by integratord", () => {
  assert.deepEqual(
    parseCall([file, "key", "unix:/run/x.sock", "", "/tmp/custom-dfn-1-2.options", "7", "2", redirection]),
    {
      alertFile: file,
      socketPath: "/run/x.sock",
      optionsFile: "/tmp/custom-dfn-1-2.options",
      debug: false,
      patienceMs: 21_000,
      byIntegratord: true,
    },
  );
});

test("empty arguments keep the defaults", () => {
  assert.deepEqual(parseCall([file, "", "", "", "", "10", "3", redirection]), {
    alertFile: file,
    socketPath: "/run/wazuh-dfn/alerts.sock",
    optionsFile: undefined,
    debug: false,
    patienceMs: 40_000,
    byIntegratord: true,
  });
});

test("debug mode has no redirection at the end", () => {
  assert.equal(parseCall([file, "", "unix:/a", "debug", "", "10", "3"])?.debug, true);
});

test("an api_key that reads debug does not switch debug mode on", () => {
  assert.equal(parseCall([file, "debug", "unix:/a", "", "", "10", "3", redirection])?.debug, false);
});

test("blanks inside api_key shift no argument", () => {
  const call = parseCall([file, "a", "b", "c", "unix:/a", "", "/tmp/custom-dfn-1--2.options", "4", "0", redirection]);
  assert.equal(call?.socketPath, "/a");
  assert.equal(call?.optionsFile, "/tmp/custom-dfn-1--2.options");
  assert.equal(call?.patienceMs, 4000);
});

test("a hook_url that does not name a Unix socket leaves the default", () => {
  for (const hook of ["https://example.org/x", "unix:", "/run/plain/path"]) {
    assert.equal(parseCall([file, "", hook, "", "", "10", "3"])?.socketPath, "/run/wazuh-dfn/alerts.sock", hook);
  }
});

test("the random number in the file's name may be negative", () => {
  assert.equal(parseCall(["/tmp/custom-dfn-1690000000--12345.alert", "", "", "", "", "1", "1"])?.byIntegratord, true);
});

test("integratord passes an empty name when it could not create the file; by hand that is not a valid call", () => {
  assert.equal(parseCall(["", "", "", "", "", "10", "3", redirection])?.byIntegratord, true);
  assert.equal(parseCall([""]), undefined);
  assert.equal(parseCall([]), undefined);
});

test("a call by hand has fewer arguments, or its file has another name", () => {
  assert.equal(parseCall([file])?.byIntegratord, false);
  assert.equal(parseCall(["alert.json", "", "", "", "", "10", "3"])?.byIntegratord, false);
});

test("timeout and retries that are not numbers keep the defaults, and their product has a limit", () => {
  assert.equal(parseCall([file, "", "", "", "", "x", "-1"])?.patienceMs, 40_000);
  assert.equal(parseCall([file, "", "", "", "", "999999999", "999999999"])?.patienceMs, 2 ** 31 - 1);
});
