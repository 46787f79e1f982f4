/** With the tail off nothing else brings the alert: custom-dfn retries, and reports when an alert is lost. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { after, describe, test } from "node:test";
import { tailOffMarker } from "../../integration/protocol.ts";
import { customDfns, ended, redirection } from "../rig/custom-dfn.ts";
import { eventually } from "../rig/eventually.ts";
import { LineServer } from "../rig/line-server.ts";
import { TempDir } from "../rig/temp-dir.ts";

const quiet = { code: 0, stdout: "", stderr: "" };

/** A call with `<options>{"tail": false}</options>`. */
async function callWithoutTail(dir: TempDir, timeoutS: number, retries: number): Promise<string[]> {
  const options = dir.join("custom-dfn-1-2.options");
  await writeFile(options, '{"tail": false}\n');
  await writeFile(dir.join("custom-dfn-1-2.alert"), '{"id":"1.1"}\n');
  const numbers = [String(timeoutS), String(retries)];
  return [dir.join("custom-dfn-1-2.alert"), "", `unix:${dir.join("s")}`, "", options, ...numbers, redirection];
}

const programs = customDfns();
after(() => programs[Symbol.dispose]());

for (const customDfn of programs.all) {
  describe(customDfn.name, () => {
    test("waits for an answer that takes long", async () => {
      await using dir = await TempDir.create();
      const asked: Socket[] = [];
      await using server = await LineServer.listen(dir.join("s"), (_line, socket) => {
        asked.push(socket);
        return undefined;
      });
      const child = customDfn.start(await callWithoutTail(dir, 20, 0));
      const end = ended(child);
      await eventually("the line", () => server.lines.length === 1);
      // Another call, with the tail on, gives up: so the 50 ms of the first one are over as well.
      await writeFile(dir.join("other.json"), "{}");
      assert.equal((await customDfn.run([dir.join("other.json"), "", `unix:${dir.join("s")}`])).code, 0);
      assert.equal(child.exitCode, null);
      asked[0]?.write("delivered 1.1\n");
      assert.deepEqual(await end, quiet);
    });

    test("the marker next to the socket says that the tail is off, also while the forwarder is away", async () => {
      await using dir = await TempDir.create();
      const [file = "", , hook = ""] = await callWithoutTail(dir, 20, 0);
      await writeFile(tailOffMarker(dir.join("s")), "");
      const child = customDfn.start([file, "", hook, "", "", "20", "0", redirection]);
      const end = ended(child);
      // A call with the tail on ends at once if there is no forwarder.
      await customDfn.run([file, "", `unix:${dir.join("absent")}`, "", "", "20", "0", redirection]);
      assert.equal(child.exitCode, null);
      await using server = await LineServer.listen(dir.join("s"), () => "delivered 1.1\n");
      assert.deepEqual(await end, quiet);
      assert.equal(server.lines.length, 1);
    });

    test("connects again when the forwarder was restarted, and keeps a connection that lasts", async () => {
      await using dir = await TempDir.create();
      let first = true;
      await using server = await LineServer.listen(dir.join("s"), (_line, socket) => {
        if (!first) return "duplicate 1.1\n";
        first = false;
        socket.destroy();
        return undefined;
      });
      assert.deepEqual(await customDfn.run(await callWithoutTail(dir, 20, 0)), quiet);
      assert.deepEqual([server.connections, server.lines.length], [2, 2]);
    });

    test("ends with 1 and says so if nobody answered within timeout times (1 + retries)", async () => {
      await using dir = await TempDir.create();
      const args = await callWithoutTail(dir, 1, 1);
      const absent = await customDfn.run(args);
      assert.equal(absent.code, 1);
      assert.match(absent.stderr, /^custom-dfn: .*(ENOENT|no answer).*\n$/);

      await using server = await LineServer.listen(dir.join("s"), () => undefined);
      const silent = await customDfn.run(args);
      assert.equal(silent.code, 1);
      assert.match(silent.stderr, /^custom-dfn: no answer within (?:1\d{3}|2000) ms; unix:.*\n$/);
      assert.deepEqual([server.connections, server.lines.length], [1, 1]);
    });

    test("ends with 1 at once when the alert is rejected", async () => {
      await using dir = await TempDir.create();
      await using server = await LineServer.listen(dir.join("s"), () => "rejected - no id\n");
      const result = await customDfn.run(await callWithoutTail(dir, 1000, 3));
      assert.deepEqual([result.code, server.lines.length], [1, 1]);
      assert.match(result.stderr, /rejected - no id/);
    });

    test("ends with 1 when integratord could not write the alert", async () => {
      await using dir = await TempDir.create();
      const args = await callWithoutTail(dir, 1, 0);
      await rm(args[0] ?? "");
      const result = await customDfn.run(args);
      assert.equal(result.code, 1);
      assert.match(result.stderr, /ENOENT/);
    });
  });
}
