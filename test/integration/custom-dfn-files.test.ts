/** What custom-dfn makes of the files that it is given. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { after, describe, test } from "node:test";
import { customDfns, redirection, untilTaken } from "../rig/custom-dfn.ts";
import { LineServer } from "../rig/line-server.ts";
import { TempDir } from "../rig/temp-dir.ts";

const behind = ["", "", "", "", "10", "3"];

const programs = customDfns();
after(() => programs[Symbol.dispose]());

for (const customDfn of programs.all) {
  describe(customDfn.name, () => {
    test("an empty, torn or missing alert file of integratord is not an error: the tail has the alert", async () => {
      await using dir = await TempDir.create();
      await using server = await LineServer.listen(dir.join("s"));
      for (const content of ["", "\n", '{"id":"1.1","rule":{"le', '{"id":"1.1","rule":{}', undefined]) {
        const file = content === undefined ? dir.join("gone-1-2.alert") : dir.join("custom-dfn-1690000000-12345.alert");
        if (content !== undefined) await writeFile(file, content);
        const result = await customDfn.run([file, "", `unix:${dir.join("s")}`, "", "", "10", "3", redirection]);
        assert.deepEqual(result, { code: 0, stdout: "", stderr: "" }, content);
        const spoken = await customDfn.run([file, "", `unix:${dir.join("s")}`, "debug", "", "10", "3"]);
        assert.equal(spoken.code, 0);
        assert.match(
          spoken.stdout,
          /^custom-dfn: .*(empty|cut off|ENOENT).*; the tail of alerts.json has the alert\n$/,
        );
      }
      assert.equal(server.lines.length, 0);
    });

    test("an empty name, which integratord passes when it could not write the file, is not an error", async () => {
      assert.deepEqual(await customDfn.run(["", ...behind, redirection]), { code: 0, stdout: "", stderr: "" });
      const spoken = await customDfn.run(["", "", "", "debug", "", "10", "3"]);
      assert.match(spoken.stdout, /could not write the alert file/);
    });

    test("a bad call by hand ends with 2 and says why", async () => {
      await using dir = await TempDir.create();
      await mkdir(dir.join("directory"));
      await writeFile(dir.join("huge"), `{"a":"${"x".repeat(17 * 1024 * 1024)}"}`);
      for (const content of [
        "",
        "   \n",
        "plain text",
        "[1]",
        "1",
        "null",
        '"a"',
        '{"a":1',
        '{"a":1}{"b":2}',
        "{a:1}",
      ]) {
        await writeFile(dir.join("alert.json"), content);
        const result = await customDfn.run([dir.join("alert.json")]);
        assert.deepEqual([result.code, result.stdout], [2, ""], content);
        assert.match(result.stderr, /^custom-dfn: .*alert\.json (is empty|does not hold a JSON object).*\n$/, content);
      }
      for (const [name, why] of [
        ["absent", /ENOENT/],
        ["directory", /EISDIR/],
        ["huge", /longer than 16777216 bytes/],
      ] as const) {
        const result = await customDfn.run([dir.join(name)]);
        assert.equal(result.code, 2);
        assert.match(result.stderr, why);
        assert.equal(result.stderr.trimEnd().split("\n").length, 1);
      }
      for (const args of [[], [""], ["", "", "unix:/x"]]) {
        const result = await customDfn.run(args);
        assert.equal(result.code, 2);
        assert.match(result.stderr, /^usage: custom-dfn ALERT_FILE/);
      }
    });

    test("a call by hand may pass JSON printed on several lines", async () => {
      await using dir = await TempDir.create();
      await using server = await LineServer.listen(dir.join("s"));
      const value = { id: "1.1", rule: { groups: ["a", "b"] }, full_log: "x\ny" };
      await writeFile(dir.join("alert.json"), `\n${JSON.stringify(value, null, 2)}\r\n\n`);
      const args = [dir.join("alert.json"), "", `unix:${dir.join("s")}`, "debug"];
      await untilTaken(server, async () => {
        const { code, stderr } = await customDfn.run(args);
        assert.deepEqual([code, stderr], [0, ""]);
      });
      assert.deepEqual(JSON.parse(String(server.lines[0])), value);
    });

    test("the socket is found after an api_key with blanks", async () => {
      await using dir = await TempDir.create();
      await using server = await LineServer.listen(dir.join("s"));
      await writeFile(dir.join("custom-dfn-1-2.alert"), "{}");
      const words = ["my", "secret", "", `unix:${dir.join("s")}`];
      const args = [dir.join("custom-dfn-1-2.alert"), ...words, "", "", "10", "3", redirection];
      await untilTaken(server, async () =>
        assert.deepEqual(await customDfn.run(args), { code: 0, stdout: "", stderr: "" }),
      );
    });

    test("options that are not understood end with 2, but the alert is still passed on", async () => {
      await using dir = await TempDir.create();
      await using server = await LineServer.listen(dir.join("s"));
      const options = dir.join("custom-dfn-1--2.options");
      await writeFile(dir.join("custom-dfn-1-2.alert"), "{}");
      const run = () =>
        customDfn.run([
          dir.join("custom-dfn-1-2.alert"),
          "",
          `unix:${dir.join("s")}`,
          "",
          options,
          "10",
          "3",
          redirection,
        ]);
      const bad = ["{", '{"tial":false}', '{"tail":"off"}', "[]", "tail=off"];
      for (const content of bad) {
        await writeFile(options, `${content}\n`);
        await untilTaken(server, async () => {
          const result = await run();
          assert.equal(result.code, 2, content);
          assert.match(result.stderr, /^custom-dfn: <options> of the custom-dfn block must be/);
        });
      }
      for (const content of ["", "{}\n", '{ "tail": true }\n']) {
        await writeFile(options, content);
        assert.deepEqual(await run(), { code: 0, stdout: "", stderr: "" });
      }
    });
  });
}
