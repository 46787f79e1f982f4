/** The forwarder's account, taken over, has filled the state directory with traps; root runs every command on it. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { asAttacker, attackerId, AttackerLoop, attackersDirectory } from "../rig/attacker.ts";
import { eventually } from "../rig/eventually.ts";
import { Program } from "../rig/program.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { HostileWorld, give, uidOf } from "./hostile-world.ts";
import { alertLine } from "./status-world.ts";

const segment = "2026-01-02T00-00-00-000Z-4194304-0.ndjson";
const letter = {
  version: 1,
  time: "2026-01-02T00:00:00.000Z",
  source: "tail",
  reason: "torn",
  detail: "the file ended in mid-line",
  place: { file: "/alerts.json", offset: 7, length: 3 },
  raw: Buffer.from(alertLine(1_700_000_009)).toString("base64"),
};

function tornFile(world: HostileWorld): string {
  const path = world.directory.join("torn.json");
  writeFileSync(path, `${alertLine(1_700_000_001)}\n{"program_name":"fail2ban.actions\n`);
  return path;
}

test("a lock that is a link to root's file: no command gives the file away or writes to it", async () => {
  await using world = await HostileWorld.create();
  writeFileSync(`${world.deadLetters}/${segment}`, `${JSON.stringify(letter)}\n`);
  give(`${world.deadLetters}/${segment}`);
  asAttacker('ln -s "$1" "$2/lock"; ln -s "$1" "$3/lock"', [world.secret, world.deadLetters, world.stateDir]);
  for (const action of ["purge", "replay"]) {
    const { code, stderr } = await world.run("dead-letter", action, "--all");
    assert.equal(code, 74, stderr);
    assert.match(stderr, /lock is a link, a pipe, a directory or a device.*remove it/);
  }
  const { code } = await world.run("run");
  assert.equal(code, 74);
  world.assertUntouched("lock");
});

test("a huge segment and links in place of its temporary file: root's replay overwrites nothing of root's", async () => {
  await using world = await HostileWorld.create();
  const script = `${world.roots}/profile.d/z.sh`;
  asAttacker(
    `i=0; yes '{"version":1,"source":"x"} echo owned >/tmp/owned' | head -c 283115520 >"$1/$2" || true
     for name in "$2.new" "$2.removed" "$2.removed.new" "$2.gone"; do ln -s "$3" "$1/$name"; done`,
    [world.deadLetters, segment, script],
  );
  await using _loop = new AttackerLoop(
    `my ($directory, $target) = @ARGV; opendir my $d, $directory;
     for my $name (grep { /\\.new$/ && !-l "$directory/$_" } readdir $d) {
       unlink "$directory/$name"; symlink $target, "$directory/$name"; }`,
    [world.deadLetters, script],
  );
  const { peakBytes } = await world.run("replay", tornFile(world));
  assert.ok(peakBytes < 250e6, `${peakBytes} bytes at the peak`);
  world.assertUntouched("SEGMENT.new");
});

test("links in place of every file of the state: root's run overwrites nothing, becomes the owner, and works", async () => {
  await using world = await HostileWorld.create();
  asAttacker(
    `for name in window.bin.new checkpoint.json.tmp checkpoint.json.new checkpoint.json.1 window.bin checkpoint.json; do
       ln -s "$2" "$1/$name"; done
     ln -s "$2" "$3/alerts.sock.tail-off"`,
    [world.stateDir, world.secret, world.directory.join("run")],
  );
  const forwarder = world.start("run");
  await forwarder.waitForLog(/"msg":"started"/);
  assert.equal(uidOf(forwarder.pid), attackerId);
  appendFileSync(world.alertsJson, `${alertLine(1_700_000_001)}\n`);
  await eventually("the record", () => readFileSync(world.records, "utf8").includes("1700000001.1"));
  assert.equal((await forwarder.stop()).ended, 0);
  world.assertUntouched("run");
  world.assertOwned();
  assert.doesNotMatch(readFileSync(`${world.stateDir}/checkpoint.json`, "utf8"), /SECRET/);
});

test("the forwarder's account can use what root's run and replay leave", async () => {
  await using world = await HostileWorld.create();
  const forwarder = world.start("run");
  await forwarder.waitForLog(/"msg":"started"/);
  await forwarder.stop();
  assert.equal((await world.run("replay", tornFile(world))).code, 65);
  assert.equal((await world.run("dead-letter", "list")).stdout.split("\n").length, 3);
  world.assertOwned();
  const service = await world.startAsService();
  appendFileSync(world.alertsJson, `${alertLine(1_700_000_002)}\n{"program_name":"fail2ban.actions\n`);
  await eventually("the record", () => readFileSync(world.records, "utf8").includes("1700000002.1"));
  await eventually("its dead letter", async () =>
    /\n2 dead letters/.test((await world.run("dead-letter", "list")).stdout),
  );
  assert.equal((await service.stop()).ended, 0);
});

test("files that are swapped for links and pipes in a loop: every command ends, and nothing of root's is touched", async () => {
  await using world = await HostileWorld.create();
  const names = [
    "lock",
    "checkpoint.json",
    "checkpoint.json.1",
    "window.bin",
    "records.ndjson",
    ...["lock", segment, `${segment}.removed`, `${segment}.gone`].map((name) => `dead-letters/${name}`),
  ];
  await using _loop = new AttackerLoop(
    `my ($state, $line, @names) = @ARGV; my @targets = splice @names, 0, 3;
     use POSIX (); for my $name (map { "$state/$_" } @names) {
       my $turn = int rand 4; unlink $name;
       if ($turn == 0) { symlink $targets[int rand 3], $name }
       elsif ($turn == 1) { POSIX::mkfifo($name, 0600) }
       elsif ($turn == 2) { open my $f, ">", $name; print $f "$line\\n" x 3; }
     }`,
    [
      world.stateDir,
      JSON.stringify(letter),
      world.secret,
      `${world.roots}/profile.d/z.sh`,
      `${world.roots}/profile.d/new.sh`,
      ...names,
    ],
  );
  const file = tornFile(world);
  {
    for (const args of [
      ["dead-letter", "list"],
      ["dead-letter", "list", "--json"],
      ["dead-letter", "show", `${segment.replace(".ndjson", "")}:1`],
      ["dead-letter", "purge", "--all"],
      ["status"],
      ["replay", "--dry-run", file],
    ]) {
      const { code } = await world.run(...args);
      assert.equal(typeof code, "number", args.join(" "));
    }
    world.assertUntouched("after the commands that only look and remove");
  }
  const { code } = await world.run("doctor");
  assert.equal(code, 69);
  // These write records to a file that is never there for long, and wait until they can.
  for (const args of [["run"], ["replay", file], ["dead-letter", "replay", "--all"]]) {
    const program = world.start(...args);
    await eventually("a look at the state", () => program.ended !== undefined || uidOf(program.pid) === attackerId);
    await program.stop();
  }
  world.assertUntouched("at the end");
});

test("a state directory that its owner swaps for links to root's: nothing is created or changed there", async () => {
  await using world = await HostileWorld.create();
  const home = attackersDirectory(world.directory.join("home"), 0o755);
  const state = `${home}/state`;
  mkdirSync(`${world.roots}/empty`);
  await using _loop = new AttackerLoop(
    `my ($state, $target) = @ARGV; symlink $target, $state; unlink $state; mkdir $state; rename $state, "$state.$$";
     mkdir "$state.$$"; rename "$state.$$", $state; rename $state, "$state.$$";`,
    [state, `${world.roots}/empty`],
  );
  world.configure({ state_dir: state, sink: { file: { path: `${state}/records.ndjson` } } });
  const file = tornFile(world);
  for (let round = 0; round < 2; round++) {
    for (const args of [
      ["dead-letter", "purge", "--all"],
      ["dead-letter", "list"],
    ])
      await world.run(...args);
    const replay = world.start("replay", file);
    await eventually("its end, or its drop", () => replay.ended !== undefined || uidOf(replay.pid) === attackerId);
    await replay.stop();
    assert.deepEqual(existsSync(`${world.roots}/empty/dead-letters`), false);
    assert.deepEqual(existsSync(`${world.roots}/empty/lock`), false);
  }
});

test("a state directory behind somebody else's link, or in somebody else's directory, is refused with the remedy", async () => {
  await using world = await HostileWorld.create();
  const home = attackersDirectory(world.directory.join("home"), 0o755);
  asAttacker('ln -s "$1" "$2/state"', [world.roots, home]);
  world.configure({ state_dir: `${home}/state` });
  for (const args of [["run"], ["dead-letter", "list"], ["status"], ["replay", tornFile(world)]]) {
    const { code, stderr } = await world.run(...args);
    assert.equal(code, 74, args.join(" "));
    assert.match(
      stderr,
      /home\/state is a symbolic link that users other than root can change.*name the directory itself/,
    );
  }
  mkdirSync(`${home}/roots`);
  world.configure({ state_dir: `${home}/roots` });
  const { code, stderr } = await world.run("run");
  assert.equal(code, 74);
  assert.match(stderr, /home\/roots belongs to uid 0, and .*home above it to another user, who could swap it/);
  const other = attackersDirectory(`${home}/other`, 0o700, attackerId + 1);
  world.configure({ state_dir: other });
  assert.match((await world.run("dead-letter", "list")).stderr, /above it to another user, who could swap it/);
});

test("a link that root made in root's own directory leads to the state", async () => {
  await using world = await HostileWorld.create();
  symlinkSync("../state", `${world.roots}/state`);
  world.configure({ state_dir: `${world.roots}/state` });
  assert.equal((await world.run("replay", tornFile(world))).code, 65);
  world.assertOwned();
});

test("a directory that root left in the store is named, with the command that changes its owner back", async () => {
  await using world = await HostileWorld.create();
  chownSync(world.deadLetters, 0, 0);
  const { code, stderr } = await world.run("replay", tornFile(world));
  assert.equal(code, 74);
  assert.match(stderr, new RegExp(`chown -hR ${attackerId}:${attackerId} ${world.deadLetters}`));
});

test("what killed processes have left half written is removed at the next start; what a living one writes stays", async () => {
  await using world = await HostileWorld.create();
  const dead = 4_194_304;
  const left = [
    ...["checkpoint.json.tmp", "window.bin.new", `checkpoint.json.${dead}.new`].map(
      (name) => `${world.stateDir}/${name}`,
    ),
    ...[`${segment}.new`, `${segment}.${dead}.new`].map((name) => `${world.deadLetters}/${name}`),
  ];
  const living = `${world.deadLetters}/${segment}.${process.pid}.new`;
  for (const path of [...left, living]) {
    writeFileSync(path, "");
    give(path);
  }
  const forwarder = world.start("run");
  await forwarder.waitForLog(/"msg":"started"/);
  await forwarder.stop();
  assert.deepEqual(
    left.filter((path) => existsSync(path)),
    [],
  );
  assert.ok(existsSync(living));
});

/** A machine on which the package was installed and the service never started: its own users and /var/lib. */
function packagedMachine(world: HostileWorld): readonly string[] {
  const passwd = world.directory.join("passwd");
  const group = world.directory.join("group");
  writeFileSync(passwd, `root:x:0:0::/root:/bin/sh\nwazuh-dfn:x:${attackerId}:${attackerId + 7}::/:/bin/false\n`);
  writeFileSync(group, `root:x:0:\nwazuh:x:${attackerId}:\n`);
  world.configure({ state_dir: "/var/lib/wazuh-dfn", sink: { file: { path: "/var/lib/wazuh-dfn/records.ndjson" } } });
  const mounts = `mount -t tmpfs tmpfs /var/lib; mount --bind "${passwd}" /etc/passwd; mount --bind "${group}" /etc/group`;
  return ["--mount", "sh", "-euc", `${mounts}; exec "$@"`, "machine"];
}

test("the package's directory is created for the forwarder's account, not for root, if it does not exist yet", async () => {
  await using world = await HostileWorld.create();
  const machine = packagedMachine(world);
  const command = [process.execPath, forwarderBundle, "run", "--config", world.config];
  await using forwarder = new Program("unshare", [...machine, ...command]);
  await forwarder.waitForLog(/"msg":"started"/);
  assert.equal(uidOf(forwarder.pid), attackerId);
  const state = statSync(`/proc/${forwarder.pid}/root/var/lib/wazuh-dfn`);
  assert.deepEqual([state.uid, state.gid, state.mode & 0o777], [attackerId, attackerId, 0o750]);
  await forwarder.stop();
});
