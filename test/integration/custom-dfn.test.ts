/** The built custom-dfn as a process, with anything at all at the other end of its socket. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { customDfns, redirection, untilTaken, type CustomDfn, type Ended } from "../rig/custom-dfn.ts";
import { eventually } from "../rig/eventually.ts";
import { LineServer } from "../rig/line-server.ts";
import { TempDir } from "../rig/temp-dir.ts";

const alert = '{"id":"1690000000.1","n":9007199254740993,"rule":{"level":3}}';
const quiet = { code: 0, stdout: "", stderr: "" };

async function alertFile(dir: TempDir, content: string | Buffer = `${alert}\n`): Promise<string> {
  const path = dir.join("custom-dfn-1690000000--12345.alert");
  await writeFile(path, content);
  return path;
}

/** Positions as integratord fills them. */
function call(file: string, socket: string, debug: boolean): string[] {
  return [file, "", `unix:${socket}`, ...(debug ? ["debug", "", "10", "3"] : ["", "", "10", "3", redirection])];
}

/** With the tail on the answer may come later than custom-dfn waits; then it is called again. */
async function answered(customDfn: CustomDfn, args: readonly string[], spawnOptions = {}): Promise<Ended> {
  return eventually("an answer in time", async () => {
    const result = await customDfn.run(args, spawnOptions);
    return result.stdout.includes("no answer") ? undefined : result;
  });
}

function hangUp(_line: Buffer, socket: Socket): undefined {
  socket.destroy();
}

const programs = customDfns();
after(() => programs[Symbol.dispose]());

for (const customDfn of programs.all) {
  describe(customDfn.name, () => {
    test("passes the alert on as one line, byte for byte, and says nothing", async () => {
      await using dir = await TempDir.create();
      const bytes = Buffer.concat([
        Buffer.from('{"id":"1.1","text":"'),
        Buffer.from([0xff, 0xfe, 0x80]),
        Buffer.from('"}'),
      ]);
      await using server = await LineServer.listen(dir.join("s"));
      const file = await alertFile(dir, Buffer.concat([bytes, Buffer.from("\n")]));
      const args = call(file, dir.join("s"), false);
      await untilTaken(server, async () => assert.deepEqual(await customDfn.run(args), quiet));
      assert.deepEqual(server.lines[0]?.subarray(0, bytes.length), bytes);
      assert.equal(server.lines[0]?.subarray(bytes.length).toString().trim(), "");
    });

    test("prints the answer in debug mode, and ends with 0 whatever it is", async () => {
      for (const answer of ["accepted 1.1", "delivered 1.1", "ignored 1.1", "duplicate 1.1", "rejected - no id"]) {
        await using dir = await TempDir.create();
        await using _ = await LineServer.listen(dir.join("s"), () => `${answer}\n`);
        const result = await answered(customDfn, call(await alertFile(dir), dir.join("s"), true));
        const behind = answer.startsWith("rejected") ? "; the tail of alerts.json has the alert" : "";
        assert.deepEqual(result, { code: 0, stdout: `custom-dfn: ${answer}${behind}\n`, stderr: "" });
      }
    });

    test("accepts an answer that comes in pieces", async () => {
      await using dir = await TempDir.create();
      await using _ = await LineServer.listen(dir.join("s"), (_line, socket) => {
        socket.write("deliv", () => setImmediate(() => socket.write("ered 1.1\nmore")));
        return undefined;
      });
      const result = await answered(customDfn, call(await alertFile(dir), dir.join("s"), true));
      assert.equal(result.stdout, "custom-dfn: delivered 1.1\n");
    });

    test("ends with 0 if there is no socket, no listener behind it, or something else", async () => {
      await using dir = await TempDir.create();
      const file = await alertFile(dir);
      await writeFile(dir.join("plain"), "");
      // A process that was killed leaves its socket file behind.
      const dead = spawn(process.execPath, [
        "-e",
        `require("net").createServer().listen(${JSON.stringify(dir.join("stale"))}, () => console.log())`,
      ]);
      await once(dead.stdout, "data");
      dead.kill("SIGKILL");
      await once(dead, "close");

      for (const [path, why] of [
        ["absent", "ENOENT"],
        ["stale", "ECONNREFUSED"],
        ["plain", "ECONNREFUSED"],
        ["plain/below", "ENOTDIR"],
        ["x".repeat(200), "ENAMETOOLONG|EINVAL|ENOENT"],
      ] as const) {
        assert.deepEqual(await customDfn.run(call(file, dir.join(path), false)), quiet, path);
        const { code, stdout, stderr } = await answered(customDfn, call(file, dir.join(path), true));
        assert.match(stdout, new RegExp(`^custom-dfn: .*(${why}).*; the tail of alerts.json has the alert\n$`), path);
        assert.deepEqual([code, stderr], [0, ""]);
      }
    });

    test("ends with 0 if it may not connect", async () => {
      await using dir = await TempDir.create();
      await chmod(dir.path, 0o755);
      const file = await alertFile(dir);
      await using _ = await LineServer.listen(dir.join("s"));
      await chmod(dir.join("s"), 0o000);
      // The superuser may always connect, so there the call is made as another user.
      const other = process.getuid?.() === 0 ? { uid: 65534 } : {};
      const result = await answered(customDfn, call(file, dir.join("s"), true), other);
      assert.deepEqual([result.code, result.stderr], [0, ""]);
      assert.match(result.stdout, /EACCES/);
    });

    test("ends with 0 if the forwarder takes the connection and never answers", async () => {
      await using dir = await TempDir.create();
      await using server = await LineServer.listen(dir.join("s"), () => undefined);
      const args = call(await alertFile(dir), dir.join("s"), true);
      await untilTaken(server, async () => {
        const result = await customDfn.run(args);
        assert.deepEqual([result.code, result.stderr], [0, ""]);
        assert.match(result.stdout, /^custom-dfn: no answer within 50 ms; the tail/);
      });
    });

    test("ends with 0 if the forwarder never reads, whatever the alert's size", async () => {
      await using dir = await TempDir.create();
      const server = createServer({ pauseOnConnect: true }).listen(dir.join("s"));
      await once(server, "listening");
      const file = await alertFile(dir, JSON.stringify({ id: "1.1", text: "x".repeat(3_000_000) }));
      assert.deepEqual(await customDfn.run(call(file, dir.join("s"), false)), quiet);
      server.close();
    });

    test("ends with 0 if the forwarder hangs up, or answers something that is not an answer", async () => {
      for (const [answer, why] of [
        [hangUp, /closed without an answer|ECONNRESET/],
        [() => "HTTP/1.1 400 Bad Request\r\n", /not understood/],
        [() => "x".repeat(100_000), /not understood/],
      ] as const) {
        await using dir = await TempDir.create();
        await using _ = await LineServer.listen(dir.join("s"), answer);
        const result = await answered(customDfn, call(await alertFile(dir), dir.join("s"), true));
        assert.deepEqual([result.code, result.stderr], [0, ""]);
        assert.match(result.stdout, why);
      }
    });

    test("ends with 0 while the forwarder is stopped, also when its queue of connections is full", async () => {
      await using dir = await TempDir.create();
      const file = await alertFile(dir);
      const program = `require("net").createServer().listen({ path: ${JSON.stringify(dir.join("s"))}, backlog: 2 }, () => console.log())`;
      const stopped = spawn(process.execPath, ["-e", program]);
      try {
        await once(stopped.stdout, "data");
        stopped.kill("SIGSTOP");
        const seen = new Set<string>();
        await eventually("a full queue", async () => {
          const result = await customDfn.run(call(file, dir.join("s"), true));
          assert.deepEqual([result.code, result.stderr], [0, ""]);
          seen.add(/no answer|EAGAIN/.exec(result.stdout)?.[0] ?? result.stdout);
          // A full queue refuses at once on Linux; clients that gave up are still in it.
          return seen.has("EAGAIN");
        });
        assert.deepEqual([...seen].toSorted(), ["EAGAIN", "no answer"]);
      } finally {
        stopped.kill("SIGKILL");
      }
    });
  });
}
