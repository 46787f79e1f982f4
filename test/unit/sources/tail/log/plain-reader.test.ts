import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHook } from "node:async_hooks";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { test } from "node:test";
import { chunkBuffers, PlainReader } from "../../../../../daemon/sources/tail/log/plain-reader.ts";
import { TempDir } from "../../../../rig/temp-dir.ts";

/** A file of the log as a reader meets it. */
class World implements AsyncDisposable {
  readonly path: string;
  readonly reader: PlainReader;
  readonly #directory: TempDir;

  private constructor(directory: TempDir, path: string, handle: FileHandle) {
    this.#directory = directory;
    this.path = path;
    this.reader = new PlainReader(handle, chunkBuffers());
  }

  static async create(content: string): Promise<World> {
    const directory = await TempDir.create();
    const path = directory.join("log");
    writeFileSync(path, content);
    return new World(directory, path, await open(path));
  }

  /** Reads to the end; returns what was read, and how many operations went to the thread pool for it. */
  async drain(): Promise<{ text: string; operations: number }> {
    let operations = 0;
    const hook = createHook({ init: (_id, type) => void (type.startsWith("FSREQ") && operations++) }).enable();
    let text = "";
    for (let found = await this.reader.read(); found.kind !== "end"; found = await this.reader.read()) {
      assert.ok(found.kind === "bytes", found.kind);
      text += found.bytes.toString("latin1");
    }
    hook.disable();
    return { text, operations };
  }

  /** The kernel forgets the content: posix_fadvise(2), POSIX_FADV_DONTNEED. */
  forget(): void {
    const options = ["oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"];
    execFileSync("dd", [`of=${this.path}`, ...options]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader.close();
    await this.#directory[Symbol.asyncDispose]();
  }
}

test("what was just appended is read without the thread pool, and so is the end behind it", async () => {
  await using world = await World.create("before\n");
  assert.equal((await world.drain()).text, "before\n");
  for (let line = 0; line < 20; line++) {
    const text = `${line} ${"x".repeat(line * 1000)}\n`;
    appendFileSync(world.path, text);
    assert.deepEqual(await world.drain(), { text, operations: 0 });
    assert.equal(world.reader.isCached, true);
    assert.equal(await world.reader.size(), world.reader.offset);
  }
});

test("what the kernel would have to fetch from the disk is read by the thread pool, however little it is", async () => {
  await using world = await World.create("before\n");
  await world.drain();
  for (const bytes of [1, 5000, 100_000]) {
    const text = "x".repeat(bytes);
    appendFileSync(world.path, text);
    world.forget();
    const { text: found, operations } = await world.drain();
    assert.equal(found, text);
    assert.ok(operations > 0);
  }
});

test("a file of which only some pages are in memory is neither taken for truncated nor for read to its end", async () => {
  for (const page of [1, 2]) {
    await using world = await World.create("x".repeat(6000));
    await world.drain();
    appendFileSync(world.path, "y".repeat(20_000));
    world.forget();
    readFileSync(world.path);
    // The kernel forgets what dd has read.
    const options = ["iflag=nocache", "bs=4096", `skip=${page}`, "count=1", "of=/dev/null", "status=none"];
    execFileSync("dd", [`if=${world.path}`, ...options]);
    assert.equal((await world.drain()).text, "y".repeat(20_000));
  }
});

test("much is read by the thread pool, while what was read is worked on", async () => {
  const text = Array.from({ length: 300_000 }, (_, line) => `${line}\n`).join("");
  await using world = await World.create(text);
  const { text: found, operations } = await world.drain();
  assert.ok(found === text);
  assert.ok(operations > 0);
});

test("a writer that never pauses does not keep the reader from giving others their turn", async () => {
  await using world = await World.create("");
  let turns = 0;
  const count = (): void => void (turns++, (next = setImmediate(count)));
  let next = setImmediate(count);
  for (let line = 0; line < 300; line++) {
    appendFileSync(world.path, "line\n");
    assert.equal((await world.reader.read()).kind, "bytes");
  }
  clearImmediate(next);
  assert.ok(turns >= 50, `${turns} turns in 300 reads`);
});

test("a file that was truncated or overwritten in place is recognised", async () => {
  for (const change of [
    (path: string) => truncateSync(path, 5),
    (path: string) => writeFileSync(path, readFileSync(path, "latin1").toUpperCase()),
    (path: string) => writeFileSync(path, `${readFileSync(path, "latin1").toUpperCase()}more`),
  ]) {
    await using world = await World.create("some lines\n");
    await world.drain();
    change(world.path);
    assert.equal((await world.reader.read()).kind, "replaced");
  }
});
