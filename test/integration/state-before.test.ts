/** What the version before this one left in its state directory is read correctly: test/data/state-before. */
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, cpSync, existsSync, linkSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { headerNames } from "../../daemon/contract.ts";
import { Pairing } from "../../daemon/pairing/pairing.ts";
import { PairingWindow } from "../../daemon/pairing/pairing-window.ts";
import { loadWindow, saveWindow } from "../../daemon/pairing/window-file.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../daemon/sources/tail/position/checkpoint.ts";
import { wasDegraded } from "../../daemon/state/degraded-file.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { repositoryRoot } from "../../scripts/repository.ts";
import { AlertStream } from "../rig/alert-stream.ts";
import { eventually } from "../rig/eventually.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { ask } from "./status-world.ts";

const data = join(repositoryRoot, "test/data/state-before");

/** What the forwarder of that time had seen; lines are whole alerts as text. */
interface Expected {
  /** A line of the log that was sent, and whose socket copy arrives now. */
  readonly late: string;
  /** An alert of the socket that was sent, and whose line arrives now. */
  readonly ahead: string;
  /** Lines of the log without an outcome. */
  readonly open: readonly string[];
  readonly deadLetters: readonly unknown[];
}

const expected: Expected = JSON.parse(readFileSync(join(data, "expected.json"), "utf8"));

/** The directory in which the forwarder of that time ran. */
class World implements AsyncDisposable {
  readonly log = "ossec/logs/alerts/2023/Nov/ossec-alerts-15.json";
  readonly directory: TempDir;
  #forwarder: Program | undefined;

  private constructor(directory: TempDir) {
    this.directory = directory;
  }

  static async create(): Promise<World> {
    const directory = await TempDir.create();
    cpSync(join(data, "state"), directory.join("state"), { recursive: true });
    cpSync(join(data, "alerts"), directory.join("ossec/logs/alerts"), { recursive: true });
    copyFileSync(join(data, "records.ndjson"), directory.join("records.ndjson"));
    const world = new World(directory);
    linkSync(directory.join(world.log), directory.join("ossec/logs/alerts/alerts.json"));
    const settings = {
      dfn: { customer_id: "acme" },
      wazuh: { home: "ossec", feedback: "off" },
      sources: { socket: { path: "alerts.sock" }, tail: { start: "beginning" } },
      sink: { file: { path: "records.ndjson" } },
      handlers: { fail2ban: {} },
      state_dir: "state",
      status: { listen: "status.sock" },
    };
    writeFileSync(directory.join("config.yaml"), JSON.stringify(settings)); // JSON is YAML
    return world;
  }

  async start(): Promise<Program> {
    this.#forwarder = this.#command("run");
    await this.#forwarder.waitForLog(/"msg":"started"/);
    return this.#forwarder;
  }

  async deadLetters(): Promise<unknown[]> {
    await using command = this.#command("dead-letter", "list", "--json");
    assert.equal(await command.end(), 0);
    return JSON.parse(command.outputLines.join("\n"));
  }

  async status() {
    return JSON.parse((await ask(this.directory.join("status.sock"), "/status")).body);
  }

  write(...lines: readonly string[]): void {
    appendFileSync(this.directory.join(this.log), lines.map((line) => `${line}\n`).join(""));
  }

  /** How many records of each alert the sink's file holds, by id. */
  sent(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const line of linesOf(readFileSync(this.directory.join("records.ndjson")))) {
      const id: string = JSON.parse(line).headers[headerNames.id];
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forwarder?.[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }

  /** Paths are relative in those files, so that they hold in any directory. */
  #command(...args: readonly string[]): Program {
    return new Program(process.execPath, [forwarderBundle, ...args, "--config", "config.yaml"], {
      cwd: this.directory.path,
    });
  }
}

function linesOf(content: Buffer): string[] {
  return content
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

function idOf(line: string): string {
  return JSON.parse(line).id;
}

test("a checkpoint of the version before is valid, and would be written the same, byte for byte", () => {
  for (const name of ["checkpoint.json", "checkpoint.json.1"]) {
    const text = readFileSync(join(data, "state", name), "utf8");
    const checkpoint = decodeCheckpoint(text);
    assert.ok(checkpoint.kind === "valid");
    assert.equal(encodeCheckpoint(checkpoint.body, checkpoint.sequence), text);
  }
});

test("a pairing window of the version before has the same entries once it is taken over and saved again", async () => {
  await using directory = await TempDir.create();
  const window = await loadWindow(join(data, "state"), silentLog);
  assert.ok(window);
  const pairing = new Pairing(new PairingWindow(), { socketOnly: false });
  pairing.restore(window, 1_700_000_071); // The newest second that its checkpoint names.
  assert.equal(pairing.size, 36); // Its /status said 38, and the two open ones are not saved.
  await saveWindow(directory.path, pairing.save());
  assert.deepEqual((await loadWindow(directory.path, silentLog))?.words, window.words);
});

test("this version continues where the version before stopped: nothing is sent twice, nothing is skipped", async () => {
  await using world = await World.create();
  assert.ok(await wasDegraded(world.directory.join("state"), silentLog));
  const before = world.sent();
  const open = expected.open.map(idOf);
  assert.deepEqual([before.get(idOf(expected.ahead)), before.get(idOf(expected.late))], [1, 1]);
  assert.deepEqual(
    open.filter((id) => before.has(id)),
    [],
  );
  assert.deepEqual(await world.deadLetters(), expected.deadLetters);

  const forwarder = await world.start();
  await eventually("the open lines", () => open.every((id) => world.sent().has(id)));
  assert.deepEqual(world.sent(), new Map([...before, ...open.map((id): [string, number] => [id, 1])]));

  await using stream = await AlertStream.connect(world.directory.join("alerts.sock"));
  await stream.send(Buffer.from(`${expected.late}\n`));
  await stream.end();
  assert.deepEqual(stream.answers, [`duplicate ${idOf(expected.late)}`]);
  const last = expected.ahead.replaceAll("1700000064", "1700000099");
  world.write(expected.ahead, last);
  await eventually("the line behind", () => world.sent().has(idOf(last)));

  // The truncated archive becomes whole: its rest follows, from where the version before could not read on.
  const whole = readFileSync(join(data, "whole.json.gz"));
  copyFileSync(join(data, "whole.json.gz"), world.directory.join("ossec/logs/alerts/2023/Nov/ossec-alerts-14.json.gz"));
  const lines = [...linesOf(gunzipSync(whole)).map(idOf), ...before.keys(), ...open, idOf(last)];
  await eventually("the rest of the archive", () => lines.every((id) => world.sent().has(id)));

  const { health, sources, deadLetters } = await world.status();
  assert.deepEqual([health.state, deadLetters.entries, deadLetters.acknowledged], ["degraded", 3, 1]);
  assert.equal(sources.tail.deadLettered, 0, "what is done beyond the position is not done again");
  assert.equal(sources.tail.paired, 1);
  assert.equal((await forwarder.stop()).ended, 0);
  assert.deepEqual(world.sent(), new Map([...new Set(lines)].map((id) => [id, 1])));
  assert.deepEqual(await world.deadLetters(), expected.deadLetters);
  assert.ok(existsSync(world.directory.join("state/degraded")));
});
