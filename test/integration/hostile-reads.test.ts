/**
 * What root's commands read from places where others can write: pipes, devices, huge files, fake answers, other
 * people's links.
 */
import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { chmodSync, lstatSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { asAttacker, AttackerLoop, attackersDirectory } from "../rig/attacker.ts";
import { aForwarder } from "../unit/status/a-forwarder.ts";
import { HostileWorld, give } from "./hostile-world.ts";
import { alertLine } from "./status-world.ts";

const segment = "2026-01-02T00-00-00-000Z-4194304-0.ndjson";
/** A command takes 60 MB when it does nothing, and an alert may have 16 MiB. */
const mostBytes = 180e6;

/** Answers on the status socket as the account that was taken over could. */
async function answering(world: HostileWorld, answer: (socket: Socket) => void): Promise<AsyncDisposable> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => answer(socket));
  });
  server.listen(world.statusSocket);
  await once(server, "listening");
  give(world.statusSocket);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function http(body: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

test("a forged status is refused in bounded time and memory: too deep, too long, dripping, a path for a process id", async () => {
  await using world = await HostileWorld.create();
  const good = { ...aForwarder(), health: { state: "ok", reasons: [] } };
  const answers: Readonly<Record<string, (socket: Socket) => void>> = {
    "a path as process id": (socket) => socket.end(http(JSON.stringify({ ...good, pid: "../../dev/zero" }))),
    "a process id of another process group": (socket) => socket.end(http(JSON.stringify({ ...good, pid: -1 }))),
    "deep JSON": (socket) => socket.end(http("[".repeat(500_000))),
    "deep JSON where no version has a field": (socket) =>
      socket.end(http(JSON.stringify(good).replace("{", `{"x":${"[".repeat(90_000)}${"]".repeat(90_000)},`))),
    "a text of a megabyte": (socket) => socket.end(http(JSON.stringify({ ...good, version: "v".repeat(1_000_000) }))),
    "an answer without an end": (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const more = (): void => {
        while (socket.writable && socket.write("x".repeat(65_536)));
      };
      socket.on("drain", more);
      more();
    },
    "an answer that drips": (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
      const timer = setInterval(() => socket.write(" "), 100);
      socket.on("close", () => clearInterval(timer));
    },
    "a head that drips": (socket) => {
      const timer = setInterval(() => socket.write("H"), 100);
      socket.on("close", () => clearInterval(timer));
    },
    "something else than HTTP": (socket) => socket.end("\u001b]0;owned\u0007\n"),
  };
  for (const [what, answer] of Object.entries(answers)) {
    await using _server = await answering(world, answer);
    const { code, stderr, peakBytes } = await world.run("status");
    assert.equal(code, 69, `${what}: ${stderr}`);
    assert.match(stderr, /^wazuh-dfn: no forwarder answers on .*status\.sock \(status\.listen\): /, what);
    assert.ok(peakBytes < mostBytes, `${what}: ${peakBytes}`);
  }
});

test("a link in place of the status socket is not followed to a socket of root's", async () => {
  await using world = await HostileWorld.create();
  const asked: string[] = [];
  const server = createServer((socket) => socket.on("data", (bytes) => asked.push(bytes.toString()))).listen(
    `${world.roots}/control.sock`,
  );
  await once(server, "listening");
  asAttacker('ln -s "$1" "$2"', [`${world.roots}/control.sock`, world.statusSocket]);
  assert.equal((await world.run("status")).code, 69);
  await world.run("doctor");
  server.close();
  assert.deepEqual(asked, []);
});

function entry(raw: string): string {
  const place = { file: "/alerts.json", offset: 7, length: 3 };
  return JSON.stringify({ version: 1, time: "2026", source: "tail", reason: "torn", detail: "d", place, raw });
}

function named(serial: number): string {
  return segment.replace("-0.", `-${serial}.`);
}

test("a store that was made to exhaust memory is listed in little memory, and our own entries in it are found", async () => {
  await using world = await HostileWorld.create();
  asAttacker(
    `cd "$1"
     { printf '%s' '{"version":1,"raw":"'; head -c 50000000 /dev/zero | tr '\\0' A; printf '"}\\n'; } >"$2"
     { printf '['; yes '{},' | tr -d '\\n' | head -c 15000000; } >"$3" || true
     yes '' | head -c 15000000 >"$4" || true
     truncate -s 1T "$5"
     mkfifo "$6" "$7.removed"; ln -s /dev/zero "$8"; ln -s "$9" "$8.removed"`,
    [world.deadLetters, ...[1, 2, 3, 4, 5, 6, 7].map(named), world.secret],
  );
  writeFileSync(give(writtenBy(`${world.deadLetters}/${named(6)}`)), `${entry("eA==")}\n`);
  writeFileSync(
    give(writtenBy(`${world.deadLetters}/${named(9)}`)),
    `${entry("A".repeat(4_000_000))}\n${entry("eA==")}\n`,
  );
  const { code, stdout, stderr, peakBytes } = await world.run("dead-letter", "list", "--json");
  assert.equal(code, 0, stderr);
  assert.ok(peakBytes < mostBytes, `${peakBytes} bytes at the peak`);
  const listed: { id: string; rawBytes: number }[] = JSON.parse(stdout);
  assert.deepEqual(
    listed.map(({ id, rawBytes }) => [id.replace(/.*Z-\d+-/, ""), rawBytes]),
    [
      ["9:1", 3_000_000],
      ["9:2", 1],
    ],
  );
  assert.match(stderr, /skipped: .*-4\.ndjson is larger than any file of the dead-letter store/);
  assert.match(stderr, /skipped: .*-5\.ndjson is a link, a pipe/);
  assert.match(stderr, /skipped: .*-6\.ndjson\.removed is not a regular file/);
  const shown = await world.run("dead-letter", "show", listed[0]?.id ?? "", "--json");
  assert.equal(Buffer.from(JSON.parse(shown.stdout).raw, "base64").length, 3_000_000);
  const purged = await world.run("dead-letter", "purge", "--all");
  assert.equal(purged.code, 0, purged.stderr);
  assert.ok(purged.peakBytes < mostBytes, `${purged.peakBytes} bytes at the peak`);
  assert.deepEqual(JSON.parse((await world.run("dead-letter", "list", "--json")).stdout), []);
  world.assertUntouched("purge");
});

function writtenBy(path: string): string {
  writeFileSync(path, "");
  return path;
}

test("replay opens what user wazuh put into the log's directory with no more than the forwarder's rights", async () => {
  await using world = await HostileWorld.create();
  const logs = attackersDirectory(world.directory.join("logs"), 0o755);
  asAttacker('ln -s "$1" "$2/link.json"; mkfifo "$2/fifo.json"; ln -s /dev/zero "$2/zero.json"', [world.secret, logs]);
  for (const [name, problem] of [
    ["link", /link\.json is a symbolic link that users other than root can change/],
    ["fifo", /fifo\.json: it is not a regular file/],
    ["zero", /zero\.json: it is not a regular file/],
  ] as const) {
    const { code, stderr } = await world.run("replay", `${logs}/${name}.json`);
    assert.equal(code, 74, stderr);
    assert.match(stderr, problem);
  }
  assert.deepEqual(JSON.parse((await world.run("dead-letter", "list", "--json")).stdout), [], "nothing of the secret");
});

test("an archive that only root may read is replayed, although root has become the forwarder's account by then", async () => {
  await using world = await HostileWorld.create();
  const archive = world.directory.join("backup.json.gz");
  writeFileSync(archive, gzipSync(`${alertLine(1_700_000_005)}\n`), { mode: 0o600 });
  const absent = await world.run("replay", archive, world.directory.join("absent.json"));
  assert.equal(absent.code, 74);
  assert.match(absent.stderr, /absent\.json/);
  const { code, stdout } = await world.run("replay", archive);
  assert.deepEqual([code, stdout], [0, "read 1, relevant 1, acknowledged 1, dead letters 0"]);
  assert.match(readFileSync(world.records, "utf8"), /1700000005\.1/);
  world.assertOwned();
});

test("doctor ends in time, shows nothing of root's files, and uses little memory, whatever is on the manager", async () => {
  await using world = await HostileWorld.create();
  const home = world.directory.join("ossec");
  attackersDirectory(`${home}/etc/rules`);
  attackersDirectory(`${home}/var/run`);
  attackersDirectory(`${home}/queue/sockets`);
  attackersDirectory(`${home}/integrations`);
  const traps: Readonly<Record<string, string>> = {
    pipes: `mkfifo "$1/etc/ossec.conf" "$1/VERSION.json" "$1/bin/wazuh-control" "$1/etc/rules/a.xml" "$2/checkpoint.json" "$1/integrations/custom-dfn" "$1/queue/sockets/queue"`,
    "links to what only root may read": `for name in etc/ossec.conf VERSION.json bin/wazuh-control etc/rules/a.xml integrations/custom-dfn; do ln -s "$3" "$1/$name"; done; ln -s "$3" "$2/checkpoint.json"`,
    devices: `for name in etc/ossec.conf VERSION.json bin/wazuh-control etc/rules/a.xml integrations/custom-dfn; do ln -s /dev/zero "$1/$name"; done; ln -s /dev/zero "$2/checkpoint.json"`,
    "huge files": `for name in etc/ossec.conf VERSION.json bin/wazuh-control etc/rules/a.xml integrations/custom-dfn; do truncate -s 1T "$1/$name"; done; truncate -s 1T "$2/checkpoint.json"`,
    "texts that make patterns slow": `yes '<a></a>' | head -c 3500000 >"$1/etc/ossec.conf" || true
       yes '<!--' | head -c 4000000 >"$1/etc/rules/a.xml" || true
       yes '<field name="integration" ' | tr -d '\\n' | head -c 4000000 >"$1/etc/rules/b.xml" || true
       yes '{"version"   ' | head -c 900000 >"$1/VERSION.json" || true
       { printf '{"version":1,"sequence":1,"body":'; yes '[' | tr -d '\\n' | head -c 8000000; } >"$2/checkpoint.json" || true`,
  };
  attackersDirectory(`${home}/bin`);
  attackersDirectory(`${home}/etc`);
  attackersDirectory(home, 0o755);
  for (const [what, script] of Object.entries(traps)) {
    asAttacker(script, [home, world.stateDir, world.secret]);
    const { code, stdout, stderr, peakBytes } = await world.run("doctor", "--json");
    assert.equal(code, 69, `${what}: ${stderr}`);
    const { links }: { links: { link: string; text: string }[] } = JSON.parse(stdout);
    assert.ok(
      links.some(({ link }) => link === "checkpoint"),
      `${what}: ${stdout}`,
    );
    assert.doesNotMatch(stdout + stderr, /SECRET/, what);
    assert.ok(peakBytes < mostBytes, `${what}: ${peakBytes}`);
    asAttacker(
      'cd "$1"; rm -f etc/ossec.conf VERSION.json bin/wazuh-control etc/rules/* integrations/custom-dfn queue/sockets/queue "$2/checkpoint.json"',
      [home, world.stateDir],
    );
  }
  world.assertUntouched("doctor");
});

test("doctor runs nothing of another user's as root, even if the manager's tree says that its user is root", async () => {
  await using world = await HostileWorld.create();
  const home = attackersDirectory(world.directory.join("ossec"), 0o755);
  attackersDirectory(`${home}/integrations`, 0o755);
  const sockets = `${home}/queue/sockets`;
  mkdirSync(sockets, { recursive: true });
  asAttacker('printf "#!/bin/sh\\nid >$1/ran\\n" >"$2/custom-dfn"; chmod 0755 "$2/custom-dfn"', [
    attackersDirectory(world.directory.join("out"), 0o777),
    `${home}/integrations`,
  ]);
  chmodSync(sockets, 0o755);
  const { stdout } = await world.run("doctor");
  assert.match(stdout, /.*/);
  assert.throws(() => readFileSync(world.directory.join("out/ran")), /ENOENT/);
});

test("a configuration that is a pipe or a device is refused at once", async () => {
  await using world = await HostileWorld.create();
  asAttacker('mkfifo "$1/fifo.yaml"', [world.directory.join("run")]);
  for (const path of [world.directory.join("run/fifo.yaml"), "/dev/zero"]) {
    for (const command of ["check", "doctor"]) {
      const { code, stdout, stderr } = await world.run(command, "--config", path);
      assert.equal(code, 78, command);
      assert.match(stdout + stderr, /the configuration cannot be read: it is a pipe or a device/, command);
    }
  }
});

test("while root binds the socket in a directory of others, no file of root's gets its mode or group", async () => {
  await using world = await HostileWorld.create();
  const run = world.directory.join("run");
  world.configure({
    state_dir: world.directory.join("roots-state"),
    sink: { file: { path: world.directory.join("records.ndjson") } },
    sources: { socket: { path: `${run}/alerts.sock`, group: "41991" }, tail: { start: "beginning" } },
  });
  await using _loop = new AttackerLoop(
    `my ($run, $target) = @ARGV; for my $name ("$run/alerts.sock", "$run/status.sock", "$run/alerts.sock.tail-off") {
       if (-S $name && !-l $name) { unlink $name; symlink $target, $name; } }`,
    [run, world.secret],
  );
  for (let round = 0; round < 5; round++) {
    asAttacker('rm -f "$1"/*', [run]);
    const forwarder = world.start("run");
    await forwarder.waitForLog(/"msg":"started"|wazuh-dfn: /);
    await forwarder.stop();
  }
  world.assertUntouched("socket");
  truncateSync(world.directory.join("records.ndjson"), 0);
});

test("a dead socket of another user is not taken for one of ours: it stays, and is named", async () => {
  await using world = await HostileWorld.create();
  const shared = world.directory.join("shared");
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  const path = `${shared}/alerts.sock`;
  asAttacker(`perl -MSocket -e 'socket S, AF_UNIX, SOCK_STREAM, 0; bind S, pack_sockaddr_un($ARGV[0])' "$1"`, [path]);
  world.configure({ sources: { socket: { path }, tail: { start: "beginning" } }, state_dir: `${world.roots}/s` });
  const { code, stderr } = await world.run("run");
  assert.equal(code, 74);
  assert.match(stderr, /shared\/alerts\.sock is a socket of another user \(uid 41991\)/);
  assert.ok(lstatSync(path).isSocket());
});
