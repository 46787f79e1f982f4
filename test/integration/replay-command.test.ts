import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { gzipSync } from "node:zlib";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { Program } from "../rig/program.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { alertLine } from "./status-world.ts";

function alert(id: number): string {
  return `${alertLine(1_700_000_000 + id, `ban ${Math.sin(id)}`)}\n`;
}

/** Alerts of fail2ban, all relevant, with ids from `first` on. */
function alerts(first: number, count: number): string {
  return Array.from({ length: count }, (_, i) => alert(first + i)).join("");
}

/** A directory of files, and the built command with the file sink. */
class World implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly #records: string;

  private constructor(directory: TempDir) {
    this.#directory = directory;
    this.#records = directory.join("records.ndjson");
    const settings = {
      dfn: { customer_id: "acme" },
      wazuh: { home: directory.join("ossec"), feedback: "off" },
      sink: { file: { path: this.#records } },
      handlers: { fail2ban: {} },
      state_dir: directory.join("state"),
    };
    writeFileSync(directory.join("config.yaml"), JSON.stringify(settings));
    mkdirSync(directory.join("state"), { mode: 0o750 });
  }

  static async create(): Promise<World> {
    return new World(await TempDir.create());
  }

  /** Writes a file, and returns its path. */
  file(name: string, content: string | Buffer): string {
    writeFileSync(this.#directory.join(name), content);
    return this.#directory.join(name);
  }

  path(name: string): string {
    return this.#directory.join(name);
  }

  /** Starts a replay whose standard input is a pipe that stays silent. */
  start(...args: readonly string[]): Program {
    const command = [forwarderBundle, "replay", ...args, "--config", this.path("config.yaml")];
    const shell = 'mkfifo "$1"; exec 3<>"$1"; shift; exec "$@" <&3 3<&-';
    return new Program("sh", ["-c", shell, "sh", this.path("fifo"), process.execPath, ...command]);
  }

  replay(...args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
    return this.replayPipe("", ...args);
  }

  /** @param input what standard input brings */
  replayPipe(
    input: string | Buffer,
    ...args: readonly string[]
  ): { code: number | null; stdout: string; stderr: string } {
    const command = [forwarderBundle, "replay", ...args, "--config", this.path("config.yaml")];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      encoding: "utf8",
      input,
      timeout: 60_000,
    });
    return { code: status, stdout, stderr };
  }

  /** Numbers of the alerts that the sink has. */
  sent(): number[] {
    const ids = readFileSync(this.#records, "utf8").matchAll(/\b(17\d{8})\.1\b/g);
    return [...new Set([...ids].map(([, id]) => Number(id) - 1_700_000_000))].toSorted((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

test("a file that is missing, or truncated, does not keep the others from being sent, and the result for each is reported", async () => {
  await using world = await World.create();
  const first = world.file("a.json", alerts(0, 2000));
  const whole = gzipSync(alerts(2000, 3000));
  const cut = world.file("b.json.gz", whole.subarray(0, whole.length >> 1));
  const last = world.file("c.json.gz", Buffer.concat([gzipSync(alerts(5000, 1000)), Buffer.alloc(512)]));
  const missing = world.path("missing.json");
  const { code, stdout, stderr } = world.replay("--json", first, missing, cut, last);
  assert.equal(code, 74, stderr);
  const summary = JSON.parse(stdout);
  const [a, absent, b, c] = summary.files;
  assert.deepEqual([a.state, a.read, a.relevant, a.acknowledged, a.deadLetters], ["whole", 2000, 2000, 2000, 0]);
  assert.deepEqual([absent.state, absent.read], ["failed", 0]);
  assert.match(absent.reason, /missing\.json.*ENOENT/);
  assert.deepEqual([c.state, c.acknowledged], ["whole", 1000]);
  assert.equal(b.state, "failed");
  assert.ok(b.acknowledged > 1000 && b.acknowledged < 3000, `${b.acknowledged} of the cut file`);
  assert.equal(b.offset, alerts(2000, b.acknowledged).length);
  assert.equal(b.continue, `wazuh-dfn replay --at ${cut}:${b.offset}`);
  assert.ok(stderr.includes(b.continue), stderr);
  assert.equal(summary.acknowledged, 3000 + b.acknowledged);
  assert.deepEqual(world.sent(), [...numbers(0, 2000 + b.acknowledged), ...numbers(5000, 1000)]);
  const piped = world.replayPipe(whole.subarray(0, whole.length >> 1), "--dry-run", "-");
  assert.equal(piped.code, 65);
  assert.match(piped.stderr, /standard input cannot be decompressed beyond byte \d+/);
  assert.equal(piped.stdout.split("\n").length - 1, b.acknowledged);
  // The command that it prints works unchanged once the file is whole.
  world.file("b.json.gz", whole);
  const again = world.replay(...b.continue.split(" ").slice(2));
  assert.equal(again.code, 0, again.stderr);
  assert.equal(
    again.stdout,
    `read ${3000 - b.acknowledged}, relevant ${3000 - b.acknowledged}, acknowledged ${3000 - b.acknowledged}, dead letters 0\n`,
  );
  assert.deepEqual(world.sent(), numbers(0, 6000));
  // By now the compressed form may have replaced the file, and the middle of a line is not a place to begin.
  const compressed = world.replay("--at", `${world.path("b.json")}:${b.offset}`, "--dry-run");
  assert.equal(compressed.stdout.split("\n").length - 1, 3000 - b.acknowledged);
  const middle = world.replay("--at", `${cut}:${b.offset + 5}`);
  assert.equal(middle.code, 65);
  assert.ok(middle.stderr.includes(`begins at byte ${b.offset}: ${b.continue}`), middle.stderr);
  const beyond = world.replay("--at", `${cut}:99999999`);
  assert.deepEqual([beyond.code, /is to be read from byte 99999999/.test(beyond.stderr)], [65, true]);
  assert.equal(world.replay("--at", cut).code, 64);
  assert.equal(world.replay().code, 64);
});

test("xz, bzip2 and zstd are read, by name or by pipe; a truncated one is reported after what came out was sent", async () => {
  await using world = await World.create();
  const programs = ["xz", "bzip2", "zstd"] as const;
  const missing = installPrograms(["xz", "bunzip2", "zstd"]);
  if (missing.length > 0) assert.fail(howToInstall(missing));
  for (const [at, program] of programs.entries()) {
    const packed = execFileSync(program, ["-c"], { input: alerts(at * 1000, 1000), stdio: ["pipe", "pipe", "ignore"] });
    const { code, stdout, stderr } = world.replay(world.file(`a.${program}`, packed));
    assert.deepEqual([code, stderr], [0, ""], program);
    assert.equal(stdout, "read 1000, relevant 1000, acknowledged 1000, dead letters 0\n");
    assert.equal(world.replayPipe(packed, "-").stdout, stdout, program);
    const cut = world.replay("--json", world.file(`cut.${program}`, packed.subarray(0, packed.length - 40)));
    assert.equal(cut.code, 65, program);
    assert.match(
      cut.stderr,
      new RegExp(`cut\\.${program}.*${program} says: .*(?:end|truncated|EOF|premature|finished)`, "i"),
    );
  }
  assert.deepEqual(world.sent(), numbers(0, 3000));
});

test("a file without alerts is an error that says what to do; nothing of it is sent, and the other files are", async () => {
  await using world = await World.create();
  const line = alerts(1, 1).trim();
  const cases: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ["utf16", Buffer.from(`\ufeff${line}\n`, "utf16le"), /is UTF-16: iconv .*utf16 \| wazuh-dfn replay -/],
    ["utf16-without-mark", Buffer.from(`${line}\n`, "utf16le"), /is UTF-16/],
    [
      "documents",
      `{"_index":"wazuh-alerts-4.x","_id":"1","_source":${line}}\n`,
      /_source: jq -c \._source .*documents \| wazuh-dfn/,
    ],
    ["answer", `{"took":1,"hits":{"hits":[{"_source":${line}}]}}`, /\.hits\.hits\[\]\._source/],
    ["array", `[${line}]`, /one JSON array.*jq -c '\.\[\]'/],
    ["lines", JSON.stringify(JSON.parse(line), null, 2), /over several lines.*jq -c \./],
    ["alerts.log", "** Alert 1700000000.1: - syslog\nRule: 1\n", /alerts\.log; name alerts\.json/],
    ["syslog", "Nov 21 10:00:00 a sshd[1]: text\n".repeat(200), /not alerts of Wazuh/],
    ["zip", Buffer.from("PK\u0003\u0004............"), /zip archive/],
  ];
  const paths = cases.map(([name, content]) => world.file(name, content));
  mkdirSync(world.path("directory"));
  const good = world.file("good.json", alerts(0, 1));
  const empty = world.file("empty.json", "");
  const { code, stdout } = world.replay("--json", ...paths, world.path("directory"), empty, good);
  assert.equal(code, 65);
  const { files, deadLetters } = JSON.parse(stdout);
  assert.equal(deadLetters, 0);
  for (const [at, [name, , hint]] of cases.entries()) {
    assert.equal(files[at].state, "failed", name);
    assert.match(files[at].reason, hint);
    assert.match(files[at].reason, /does not hold alerts|which is not supported/);
  }
  const [directory, nothing, last] = files.slice(cases.length);
  assert.match(directory.reason, /is a directory; name the files in it/);
  assert.deepEqual([nothing.state, last.state, last.acknowledged], ["empty", "whole", 1]);
  assert.deepEqual(world.sent(), [0]);
  assert.equal(world.replay(empty).code, 0);
  const irrelevant = world.file("irrelevant.json", alerts(5, 2).replaceAll("fail2ban", "sshd"));
  assert.deepEqual([world.replay(irrelevant).code, world.sent()], [0, [0]]);
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} ends a replay with its summary, and what was read until then is sent`, async () => {
    await using world = await World.create();
    const first = world.file("first.json", alerts(0, 500));
    await using program = world.start("--json", first, "-", first);
    await eventually("the first file", () => {
      try {
        return world.sent().length === 500;
      } catch {
        return false;
      }
    });
    program.signal(signal);
    assert.equal(await program.end(), code, program.errorLines.join("\n"));
    const { acknowledged, files } = JSON.parse(program.outputLines.join("\n"));
    assert.equal(acknowledged, 500);
    assert.deepEqual(
      files.map(({ state }: { state: string }) => state),
      ["whole", "stopped", "not read"],
    );
  });
}
