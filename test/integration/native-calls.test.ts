/** What the native file's calls do on real sockets, files and accounts, and that no argument does harm. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, open, symlink, writeFile } from "node:fs/promises";
import { closeSync, readFileSync, readdirSync } from "node:fs";
import { createConnection, createServer, Socket } from "node:net";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { loadNative } from "../../daemon/os/native.ts";
import { compileModule, nativeSources, ownArch } from "../../scripts/bundle/native-file.ts";
import { DatagramReceiver } from "../rig/datagram-receiver.ts";
import { present } from "../rig/present.ts";
import { mayMount } from "../rig/small-disk.ts";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const root = resolve(".");
const native = loadNative();
const skip = mayMount ? false : "only root may become another user";
const nativeFile = join(root, "build/daemon/os", `wazuh-dfn-linux-${process.arch}.node`);

const dir = await TempDir.create();
after(() => dir[Symbol.asyncDispose]());
await chmod(dir.path, 0o755);

function fdOf(socket: Socket & { readonly _handle?: { readonly fd: number } }): number {
  return present(socket._handle).fd;
}

/** A listening socket that everybody may connect to, and what the kernel says about the next one who does. */
class Door implements AsyncDisposable {
  readonly path: string;
  readonly #server = createServer();

  private constructor(path: string) {
    this.path = path;
  }

  static async open(name: string): Promise<Door> {
    const door = new Door(dir.join(name));
    door.#server.listen(door.path);
    await once(door.#server, "listening");
    await chmod(door.path, 0o777);
    return door;
  }

  async nextPeer(): Promise<Socket> {
    const [socket]: unknown[] = await once(this.#server, "connection");
    assert.ok(socket instanceof Socket);
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A process of a user who connects, does more, and stays until it is killed. */
function client(
  path: string,
  ids: { uid?: number; gid?: number },
  before: string,
  then: string,
): ReturnType<typeof spawn> {
  const program = `${before}
    const socket = require("node:net").connect(process.argv[1]);
    socket.on("connect", () => { ${then}; socket.write("done"); });
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ["-e", program, path], { ...ids, cwd: "/", stdio: "inherit" });
}

test("another user who connects is seen as that user, according to the kernel", { skip }, async () => {
  await using door = await Door.open("other-user");
  const peer = door.nextPeer();
  const child = client(door.path, { uid: 40_001, gid: 40_002 }, "", "");
  const socket = await peer;
  try {
    assert.deepEqual(native.peerCredentials(fdOf(socket)), { pid: child.pid, uid: 40_001, gid: 40_002 });
  } finally {
    child.kill("SIGKILL");
    socket.destroy();
  }
});

test(
  "the user at the time of connecting counts: a process that gives up root before is no longer root, one that does so afterwards was",
  { skip },
  async () => {
    for (const [before, then, uid] of [
      ["process.setgid(40002); process.setuid(40001);", "", 40_001],
      ["", "process.setgid(40002); process.setuid(40001)", 0],
    ] as const) {
      await using door = await Door.open(`setuid-${uid}`);
      const peer = door.nextPeer();
      const child = client(door.path, {}, before, then);
      const socket = await peer;
      try {
        await once(socket, "data");
        assert.equal(native.peerCredentials(fdOf(socket)).uid, uid);
      } finally {
        child.kill("SIGKILL");
        socket.destroy();
      }
    }
  },
);

test("a peer that has ended, or that is this process, is still the one that connected", async () => {
  await using door = await Door.open("ended");
  const peer = door.nextPeer();
  const own = createConnection(door.path);
  const socket = await peer;
  const ids = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() };
  try {
    assert.deepEqual(native.peerCredentials(fdOf(socket)), ids);
    own.destroy();
    await once(own, "close");
    assert.deepEqual(native.peerCredentials(fdOf(socket)), ids);
  } finally {
    own.destroy();
    socket.destroy();
  }
});

test("a descriptor without a peer, or without one that the kernel knows, is an error and never user 0", async () => {
  const tcp = createServer().listen(0, "127.0.0.1");
  await once(tcp, "listening");
  const address = tcp.address();
  assert.ok(address !== null && typeof address === "object");
  const accepted = once(tcp, "connection");
  const connection = createConnection(address.port, "127.0.0.1");
  const [socket]: unknown[] = await accepted;
  assert.ok(socket instanceof Socket);
  try {
    assert.throws(() => native.peerCredentials(fdOf(socket)), { code: "ENOTCONN" });
  } finally {
    connection.destroy();
    socket.destroy();
    tcp.close();
  }
  await using file = await open(nativeFile);
  assert.throws(() => native.peerCredentials(file.fd), { code: "ENOTSOCK", syscall: "getsockopt" });
  assert.throws(() => native.peerCredentials(1_000_000), { code: "EBADF" });
});

test("a datagram socket neither blocks nor is inherited; a receiver that is full, gone or not there is named", async () => {
  const receiver = new DatagramReceiver(dir.join("datagrams"));
  const fd = native.connectDatagram(dir.join("datagrams"));
  const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8);
  assert.equal(flags & 0o4000, 0o4000, "O_NONBLOCK");
  assert.equal(flags & 0o2000000, 0o2000000, "O_CLOEXEC");
  let refusal: string | undefined;
  let sent = 0;
  for (; refusal === undefined && sent < 10_000; sent++) refusal = native.sendDatagram(fd, Buffer.from(`${sent}`));
  assert.equal(refusal, "EAGAIN");
  assert.equal(receiver.take().length, sent - 1);
  assert.equal(native.sendDatagram(fd, Buffer.alloc(8 << 20)), "EMSGSIZE");
  assert.equal(native.sendDatagram(fd, Buffer.alloc(0)), undefined, "an empty datagram counts as one");
  receiver[Symbol.dispose]();
  assert.equal(native.sendDatagram(fd, Buffer.from("x")), "ECONNREFUSED");
  closeSync(fd);
  assert.equal(native.sendDatagram(fd, Buffer.from("x")), "EBADF");
  assert.throws(() => native.connectDatagram(dir.join("datagrams")), { code: "ECONNREFUSED", syscall: "connect" });
  assert.throws(() => native.connectDatagram(dir.join("absent")), { code: "ENOENT" });
  assert.throws(() => native.connectDatagram(`/${"x".repeat(107)}`), { code: "ENAMETOOLONG" });
  assert.throws(() => native.connectDatagram(dir.join("data\0grams")), { code: "EINVAL" });
});

test("a connection that fails leaves no descriptor behind", () => {
  const before = readdirSync("/proc/self/fd").length;
  for (let count = 0; count < 100; count++) assert.throws(() => native.connectDatagram(dir.join("absent")));
  assert.equal(readdirSync("/proc/self/fd").length, before);
});

test("paths and abstract names of every length that a socket may have are reached, and not one byte more", () => {
  for (const path of [`\0${"n".repeat(107)}`, `\0n${process.pid}`]) {
    using receiver = new DatagramReceiver(path);
    const fd = native.connectDatagram(path);
    assert.equal(native.sendDatagram(fd, Buffer.from("here")), undefined);
    assert.deepEqual(receiver.take().map(String), ["here"]);
    closeSync(fd);
  }
  const longest = dir.join("x".repeat(107 - dir.path.length - 1));
  using receiver = new DatagramReceiver(longest);
  closeSync(native.connectDatagram(longest));
  assert.deepEqual(receiver.take(), []);
  assert.throws(() => native.connectDatagram(`${longest}x`), { code: "ENAMETOOLONG" });
  assert.throws(() => native.connectDatagram(`\0${"n".repeat(108)}`), { code: "ENAMETOOLONG" });
});

test("what is in memory is read at once, and what is not is not waited for", async () => {
  const path = dir.join("cached");
  const content = Buffer.from("0123456789".repeat(1000));
  await writeFile(path, content);
  await using file = await open(path, "r");
  const bytes = Buffer.alloc(content.length + 1);
  assert.equal(native.readCached(file.fd, bytes, 3), content.length - 3);
  assert.deepEqual(bytes.subarray(0, content.length - 3), content.subarray(3));
  assert.equal(native.readCached(file.fd, bytes, content.length), 0, "the end");
  assert.equal(native.readCached(file.fd, bytes, Number.MAX_SAFE_INTEGER - 1e6), 0, "far behind the end");
  // Makes the kernel forget the content: posix_fadvise(2), POSIX_FADV_DONTNEED.
  await run("dd", [`of=${path}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]);
  assert.equal(native.readCached(file.fd, bytes, 0), undefined);
  assert.equal((await file.read(bytes, 0, bytes.length, 0)).bytesRead, content.length);
  assert.equal(native.readCached(file.fd, bytes, 0), content.length);
});

test("what cannot be read, and a place that is not one, give no bytes", async () => {
  await using directory = await open(dir.path);
  await using memory = await open("/proc/self/mem");
  await using file = await open(nativeFile);
  for (const fd of [directory.fd, memory.fd, 1_000_000]) {
    assert.equal(native.readCached(fd, Buffer.alloc(10), 0), undefined);
  }
  assert.equal(native.readCached(file.fd, Buffer.alloc(1024 * 1024 + 1), 0), undefined);
  for (const position of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 63, 2 ** 64]) {
    assert.throws(() => native.readCached(file.fd, Buffer.alloc(10), position), RangeError);
  }
});

test("one lock at a time is held on a file, whoever opened it, and it ends with unlock or with the file", async () => {
  const path = dir.join("locked");
  await using first = await open(path, "a");
  const second = await open(path, "a");
  assert.equal(native.tryLock(first.fd), true);
  assert.equal(native.tryLock(second.fd), false);
  native.unlock(first.fd);
  assert.equal(native.tryLock(second.fd), true);
  assert.equal(native.tryLock(first.fd), false);
  await second.close();
  assert.equal(native.tryLock(first.fd), true);
  assert.throws(() => native.tryLock(1_000_000), { code: "EBADF", syscall: "flock" });
});

test("users and groups have their numbers; a name that does not exist has none", () => {
  assert.equal(native.userId("root"), 0);
  assert.equal(native.groupId("root"), 0);
  assert.equal(native.userId("nobody"), 65_534);
  assert.equal(native.userId("no-such-user"), undefined);
  assert.equal(native.groupId("no-such-group"), undefined);
  assert.equal(native.userId("root:x"), undefined);
  assert.throws(() => native.userId("root\0"), { code: "EINVAL" });
  assert.throws(() => native.userId(""), RangeError);
  assert.throws(() => native.groupId("g".repeat(257)), RangeError);
});

test(
  "users and groups of a directory service count, with any number of members; a failing look-up is an error",
  { skip },
  async () => {
    const library = dir.join("libnss_directory.so.2");
    compileModule(root, ["test/rig/native/nss-directory.c"], library, present(ownArch()));
    await writeFile(dir.join("nsswitch.conf"), "passwd: files directory\ngroup: files directory\n");
    await writeFile(
      dir.join("ask.mjs"),
      `import { loadNative } from ${JSON.stringify(join(root, "build/daemon/os/native.js"))};
     const native = loadNative();
     const asked = (call, name) => { try { return native[call](name) ?? null; } catch (reason) { return reason.code; } };
     const names = ["from-directory", "root", "absent", "broken", "members-4000", "members-9000", "members-1048576", "members-1048577"];
     console.log(JSON.stringify([asked("userId", "from-directory"), asked("userId", "broken"), ...names.map((name) => asked("groupId", name))]));`,
    );
    const script = `mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf && exec "$2" "$1/ask.mjs"`;
    const args = ["--mount", "--propagation", "private", "sh", "-c", script, "sh", dir.path, process.execPath];
    const env = { PATH: process.env["PATH"] ?? "", LD_LIBRARY_PATH: dir.path };
    const { stdout } = await run("unshare", args, { env });
    assert.deepEqual(JSON.parse(stdout), [4_294_900_000, "EIO", 4200, 0, null, "EIO", 4200, 4200, 4200, "ERANGE"]);
  },
);

test("the clock is read and not set; malloc takes a threshold", () => {
  const state = native.clockState();
  assert.ok(Number.isInteger(state) && state >= 0 && state <= 5);
  assert.equal(native.setMmapThreshold(128 * 1024), true);
  for (const bytes of [0, -1, 4095, 33_554_433, 1.5, Number.NaN]) {
    assert.throws(() => native.setMmapThreshold(bytes), RangeError);
  }
});

test("any thread may load it, even many at once and again after they have ended", async () => {
  const source = `const native = require(${JSON.stringify(nativeFile)});
    for (let count = 0; count < 1000; count++) if (native.userId("root") !== 0) process.exit(1);`;
  for (let round = 0; round < 2; round++) {
    const threads = Array.from({ length: 4 }, () => new Worker(source, { eval: true }));
    const codes = await Promise.all(threads.map(async (thread) => (await once(thread, "exit"))[0]));
    assert.deepEqual(codes, [0, 0, 0, 0]);
  }
});

test("a descriptor that does not fit is refused, and not truncated to one that does", async () => {
  await using file = await open(dir.join("file"), "a");
  for (const fd of [-1, 0.5, Number.NaN, 2 ** 31, 2 ** 32 + file.fd, Number.POSITIVE_INFINITY]) {
    assert.throws(() => native.tryLock(fd), RangeError);
    assert.throws(() => native.sendDatagram(fd, Buffer.from("x")), RangeError);
    assert.throws(() => native.peerCredentials(fd), RangeError);
  }
});

test("no argument does harm: wrong types, ranges, lengths and counts, under AddressSanitizer and UBSan", async () => {
  const checked = dir.join("checked.node");
  const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-U_FORTIFY_SOURCE", "-g"];
  compileModule(root, nativeSources, checked, present(ownArch()), sanitizers);
  const { stdout: symbols } = await run("readelf", ["--wide", "--dyn-syms", checked]);
  assert.match(symbols, /__asan_report/);
  const { stdout: library } = await run("gcc", ["-print-file-name=libasan.so"]);
  const env = {
    PATH: process.env["PATH"] ?? "",
    LD_PRELOAD: readFileSync(library.trim(), "latin1").startsWith("\x7fELF") ? library.trim() : "libasan.so.8",
    ASAN_OPTIONS: "detect_leaks=0:abort_on_error=1",
    UBSAN_OPTIONS: "halt_on_error=1:abort_on_error=1",
  };
  await symlink(join(root, "node_modules"), dir.join("node_modules"));
  const program = join(root, "build/test/rig/native-arguments.js");
  const { stdout } = await run(process.execPath, [program, checked, "1", "30000"], { env });
  assert.match(stdout, /^30000 calls: \d{4,} results, \d{4,} refusals\n$/);
  const batches = join(root, "build/test/rig/native-batches.js");
  const digested = await run(process.execPath, [batches, checked, "1", "3000"], { env });
  assert.match(digested.stdout, /^3000 batches alike, \d{3,} refused\n$/);
});
