/** When the installed custom-dfn takes its fast path, and what it does when it cannot. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { ways } from "../../integration/fast-path/ways.ts";
import { InstalledCustomDfn, provideFastWays, redirection, untilTaken } from "../rig/custom-dfn.ts";
import { LineServer } from "../rig/line-server.ts";
import { TempDir } from "../rig/temp-dir.ts";

const quiet = { code: 0, stdout: "", stderr: "" };

async function usualCall(dir: TempDir, alert: string): Promise<string[]> {
  const file = dir.join("custom-dfn-1690000000--12345.alert");
  await writeFile(file, alert);
  return [file, "", `unix:${dir.join("s")}`, "", "", "10", "3", redirection];
}

provideFastWays();
for (const way of ways) {
  describe(way, () => {
    test("takes alerts of any size that integratord passes, without starting Node", async () => {
      using customDfn = new InstalledCustomDfn(way);
      for (const textBytes of [0, 1, 4095, 65_500, 1_000_000]) {
        await using dir = await TempDir.create();
        await using server = await LineServer.listen(dir.join("s"));
        const alert = JSON.stringify({ id: "1.1", text: "ä".repeat(textBytes / 2) });
        const args = await usualCall(dir, `${alert}\n`);
        await untilTaken(server, async () => assert.deepEqual(await customDfn.run(args), quiet));
        assert.equal(server.lines[0]?.toString(), alert);
        assert.equal(customDfn.tookBundledWay(), false);
      }
    });

    test("ends with 0, without starting Node, when the forwarder is away or does not answer", async () => {
      using customDfn = new InstalledCustomDfn(way);
      await using dir = await TempDir.create();
      const args = await usualCall(dir, "{}\n");
      assert.deepEqual(await customDfn.run(args), quiet);
      await using server = await LineServer.listen(dir.join("s"), () => undefined);
      await untilTaken(server, async () => assert.deepEqual(await customDfn.run(args), quiet));
      assert.equal(customDfn.tookBundledWay(), false);
    });

    test("ends with 0 when nobody reads or accepts any more, or the forwarder hangs up", async () => {
      using customDfn = new InstalledCustomDfn(way);
      await using dir = await TempDir.create();
      const small = await usualCall(dir, "{}\n");
      {
        await using _ = await LineServer.listen(dir.join("s"), (_line, socket) => void socket.destroy());
        assert.deepEqual(await customDfn.run(small), quiet);
      }
      {
        // Gone while most of the alert is still to be written.
        const large = await usualCall(dir, `{"a":"${"x".repeat(3_000_000)}"}\n`);
        const server = createServer((socket) => socket.destroy()).listen(dir.join("s"));
        await once(server, "listening");
        assert.deepEqual(await customDfn.run(large), quiet);
        server.close();
        await once(server, "close");
        if (way === "own" || way === "perl") assert.equal(customDfn.tookBundledWay(), false);
      }
      const sockets: Socket[] = [];
      const paused = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket)).listen(dir.join("s"));
      await once(paused, "listening");
      assert.deepEqual(await customDfn.run(await usualCall(dir, `{"a":"${"x".repeat(3_000_000)}"}\n`)), quiet);
      paused.close();
      for (const socket of sockets) socket.destroy();
      await once(paused, "close");

      const program = `require("net").createServer().listen({ path: ${JSON.stringify(dir.join("s"))}, backlog: 1 }, () => console.log())`;
      const stopped = spawn(process.execPath, ["-e", program]);
      try {
        await once(stopped.stdout, "data");
        stopped.kill("SIGSTOP");
        // The first ones fill its queue of connections.
        for (let call = 0; call < 6; call++) assert.deepEqual(await customDfn.run(small), quiet);
      } finally {
        stopped.kill("SIGKILL");
        await once(stopped, "close");
      }
    });

    test("leaves every other call to the bundled way", async () => {
      using customDfn = new InstalledCustomDfn(way);
      await using dir = await TempDir.create();
      await using server = await LineServer.listen(dir.join("s"));
      const usual = await usualCall(dir, '{"id":"1.1"}\n');
      const socket = `unix:${dir.join("s")}`;
      await writeFile(dir.join("a.options"), "{}");
      const others: Record<string, string[]> = {
        "integratord in debug mode": usual.with(3, "debug").slice(0, -1),
        options: usual.with(4, dir.join("a.options")),
        "blank in api_key": [...usual.slice(0, 1), "my", "key", ...usual.slice(2)],
        "socket in api_key": usual.with(1, socket),
        "by hand": [usual[0] ?? "", "", socket],
      };
      for (const [name, args] of Object.entries(others)) {
        await untilTaken(server, async () => {
          assert.equal((await customDfn.run(args)).code, 0, name);
          assert.equal(customDfn.tookBundledWay(), true, name);
        });
      }
      for (const content of ["", "\n", "{", '{"a":{}', '{"a":{}\n,', "[1]"]) {
        assert.deepEqual(await customDfn.run(await usualCall(dir, content)), quiet, content);
        assert.equal(customDfn.tookBundledWay(), true, content);
      }
      assert.deepEqual([...new Set(server.lines.map((line) => String(line).trim()))], ['{"id":"1.1"}']);
    });

    test("leaves the call to the bundled way while the tail is off", async () => {
      using customDfn = new InstalledCustomDfn(way);
      await using dir = await TempDir.create();
      await writeFile(dir.join("s.tail-off"), "");
      await using _ = await LineServer.listen(dir.join("s"), () => "delivered 1.1\n");
      assert.deepEqual(await customDfn.run(await usualCall(dir, "{}\n")), quiet);
      assert.equal(customDfn.tookBundledWay(), true);
    });

    test("goes the bundled way if its tool fails, is another program now, or is gone", async () => {
      await using dir = await TempDir.create();
      await using server = await LineServer.listen(dir.join("s"));
      const args = await usualCall(dir, "{}\n");
      await writeFile(dir.join("refuses"), '#!/bin/sh\necho "invalid option -- U" >&2\nexit 1\n');
      await chmod(dir.join("refuses"), 0o755);
      for (const tool of [dir.join("refuses"), dir.join("s"), dir.join("absent")]) {
        using customDfn = new InstalledCustomDfn(way, { tool });
        await untilTaken(server, async () => {
          assert.deepEqual(await customDfn.run(args), quiet, tool);
          assert.equal(customDfn.tookBundledWay(), true, tool);
        });
      }
    });

    test("says nothing to integratord, and reports to a person what is missing, when the package was removed", async () => {
      using customDfn = new InstalledCustomDfn(way);
      await using dir = await TempDir.create();
      customDfn.removePackage();
      const usual = await usualCall(dir, "{}\n");
      for (const args of [usual, usual.with(4, dir.join("a.options")), usual.slice(0, -1)]) {
        assert.equal((await customDfn.run(args)).code, 0);
      }
      const result = await customDfn.run(usual.slice(0, 3));
      assert.equal(result.code, 69);
      assert.match(result.stderr, /^custom-dfn: .*bin\/node is not there: install wazuh-dfn again.*\n$/);
    });
  });
}
