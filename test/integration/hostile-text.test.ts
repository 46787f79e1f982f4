/** Text from attackers on its way to a terminal, through every command that shows some. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { attackersDirectory } from "../rig/attacker.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { aForwarder, kafkaAtWork } from "../unit/status/a-forwarder.ts";
import { give, HostileWorld } from "./hostile-world.ts";
import { alertLine } from "./status-world.ts";

/**
 * Clears the screen, sets the title, colours, overwrites a line, reverses the direction of text; in C0, C1 and Unicode.
 */
const evil = "\u001b[2J\u001b]0;owned\u0007\u009b31m\r\b\u202egnp.exe\u2066\u200b\nwazuh-dfn: all is well";

/** Control and format characters, and separators of lines; the newline is searched for separately. */
const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Everything that a command wrote: nothing that controls a terminal, and no line that it did not begin itself. */
function assertHarmless({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }, what: string): void {
  const screen = `${stdout}\n${stderr}`;
  assert.doesNotMatch(screen.replaceAll("\n", ""), steering, what);
  assert.doesNotMatch(screen, /^wazuh-dfn: all is well/m, what);
}

/** Every text in a value is followed by something that could control a terminal. */
function poisoned(value: unknown, but: readonly string[] = []): unknown {
  if (typeof value === "string") return `${value}${evil}`;
  if (Array.isArray(value)) return value.map((entry) => poisoned(entry, but));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, but.includes(name) ? entry : poisoned(entry, but)]),
  );
}

test("a status in which every text is hostile: status and doctor show it in escapes, and --json keeps it unchanged", async () => {
  await using world = await HostileWorld.create();
  const kafka = {
    ...kafkaAtWork,
    troubles: [{ code: "kafka-unreachable" as const, subject: "s", text: "t", remedy: "r", since: 1 }],
    lastError: { text: "e", since: 1 },
  };
  const certificates = [{ setting: "cert", file: "/f", expiresAt: "2027", daysLeft: 1, trouble: "t" }] as const;
  const health = {
    state: "degraded",
    reasons: [{ code: "kafka-unreachable", subject: "s", text: "t", remedy: "r", since: "2026" }],
  };
  const checkpoint = { ageSeconds: 1, trouble: "t" };
  const snapshot = poisoned({ ...aForwarder({ sink: kafka, certificates, checkpoint }), health }, ["kind", "state"]);
  const answer = { ...Object(snapshot), log: poisoned(aForwarder().log), ["x\u009b"]: evil };
  const server = createServer((_request, response) => response.end(JSON.stringify(answer))).listen(world.statusSocket);
  await once(server, "listening");
  give(world.statusSocket);
  try {
    const shown = await world.run("status");
    assert.equal(shown.code, 1, shown.stderr);
    assert.match(shown.stdout, /gnp\.exe/);
    assertHarmless(shown, "status");
    const frame = await world.run("top", "--interval", "0.2");
    assert.match(frame.stdout, /gnp\.exe/);
    assertHarmless(frame, "top");
    const json = await world.run("status", "--json");
    assertHarmless(json, "status --json");
    assert.deepEqual(JSON.parse(json.stdout), JSON.parse(JSON.stringify(answer)));
    for (const args of [["doctor"], ["doctor", "--json"]]) assertHarmless(await world.run(...args), args.join(" "));
    // A remedy is pasted into a shell: the hostile answer is not in it, not even as a comment.
    const { links }: { links: { remedy?: string }[] } = JSON.parse((await world.run("doctor", "--json")).stdout);
    for (const { remedy } of links) assert.doesNotMatch(remedy ?? "", /owned|gnp/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("dead letters in which every text is hostile, in files with hostile names", async () => {
  await using world = await HostileWorld.create();
  const place = { file: "/alerts.json", offset: 7, length: 3 };
  const letter = { time: "2026", source: "tail", node: "n", reason: "torn", detail: "d", handler: "h", place };
  const raw = Buffer.from(`${evil}{`).toString("base64");
  const line = `${JSON.stringify({ version: 1, ...Object(poisoned(letter)), raw })}\n`;
  const segment = "2026-01-02T00-00-00-000Z-4194304-0";
  writeFileSync(`${world.deadLetters}/${segment}.ndjson`, line);
  writeFileSync(`${world.deadLetters}/${evil.replaceAll("/", "")}-1-1.ndjson`, line);
  for (const path of [`${segment}.ndjson`]) give(`${world.deadLetters}/${path}`);
  const id = `${segment}:1`;
  for (const args of [
    ["list"],
    ["list", "--json"],
    ["show", id],
    ["show", id, "--json"],
    ["replay", id],
    ["purge", id],
  ]) {
    const ended = await world.run("dead-letter", ...args);
    assert.ok(ended.stdout !== "" && !ended.stderr.includes("bug in wazuh-dfn"), `${args.join(" ")}: ${ended.stderr}`);
    assertHarmless(ended, args.join(" "));
  }
  assertHarmless(await world.run("dead-letter", "show", evil), "an id that is not there");
});

test("hostile names of files, of settings and of alerts: replay, check, config, doctor", async () => {
  await using world = await HostileWorld.create();
  const file = world.directory.join(evil.replaceAll("/", ""));
  writeFileSync(
    file,
    `{"program_name":"fail2ban.actions\n${alertLine(1_700_000_001).replace("actions", "actions\u009b\u202e")}\n`,
  );
  const absent = `${file}.absent`;
  for (const args of [
    ["replay", absent],
    ["replay", file],
    ["replay", "--json", file],
    ["replay", "--dry-run", file],
    ["replay", "--from", evil, file],
    ["config", "migrate", absent],
    ["check", "--config", absent],
    ["check", "--set", `log.level=${evil}`],
    ["check", "--json", "--set", `log.level=${evil}`],
    ["config", "print", "--set", `wazuh.home=/x${evil.replaceAll("\n", "")}`],
    ["config", "print", "--json", "--set", `wazuh.home=/x${evil.replaceAll("\n", "")}`],
    ["doctor", "--set", `log.level=${evil}`],
    [evil],
    ["status", evil],
  ]) {
    const ended = await world.run(...args);
    assert.doesNotMatch(ended.stderr, /bug in wazuh-dfn/, args.join(" "));
    assertHarmless(ended, args.join(" "));
  }
});

test("a manager's files with hostile names and contents: doctor", async () => {
  await using world = await HostileWorld.create();
  const home = attackersDirectory(world.directory.join("ossec"), 0o755);
  attackersDirectory(`${home}/etc/rules`);
  attackersDirectory(`${home}/var/run`);
  world.configure({ wazuh: { home, feedback: "on" } });
  const rule = '<field name="integration">^dfn$</field>';
  writeFileSync(`${home}/etc/rules/${evil.replaceAll("/", "")}.xml`, rule);
  const block = `<integration><name>custom-dfn</name><group>${evil};$(id)</group><level>9</level><hook_url>unix:${evil}</hook_url></integration>`;
  writeFileSync(`${home}/etc/ossec.conf`, `<ossec_config>${block}</ossec_config>`);
  writeFileSync(`${home}/VERSION.json`, `{"version":"5${evil}"}`);
  const shown = await world.run("doctor");
  assertHarmless(shown, "doctor");
  assert.match(shown.stdout, /rules for the forwarder|from an older release/);
  for (const [line] of shown.stdout.matchAll(/-> .*/g))
    assert.doesNotMatch(line.replaceAll(/'[^']*'/g, ""), /\$\(id\)/);
  writeFileSync(`${home}/etc/ossec.conf`, `<${evil}`);
  assertHarmless(await world.run("doctor"), "broken");
});

test("the log, as lines and on a terminal, shows no hostile text raw", async () => {
  await using world = await HostileWorld.create();
  const home = world.directory.join(`log${evil.replaceAll("\n", "").replaceAll("/", "")}`);
  world.configure({
    state_dir: world.directory.join("roots-state"),
    sink: { file: { path: world.directory.join("records.ndjson") } },
    sources: { socket: "off", tail: { path: `${home}/alerts.json`, start: "beginning" } },
  });
  const forwarder = world.start("run");
  await forwarder.waitForLog(/alerts\.json/);
  await forwarder.stop();
  assertHarmless({ stdout: "", stderr: forwarder.errorLines.join("\n") }, "lines");
  chmodSync(world.config, 0o644);
  const command = `${process.execPath} ${forwarderBundle} run --config ${world.config}`;
  // script(1) of util-linux gives the command a terminal.
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { PATH: process.env["PATH"] ?? "", SHELL: "/bin/sh", LC_ALL: "C.UTF-8" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
      if (screen.includes("gnp.exe") && screen.includes("started")) resolve();
    });
  });
  child.stdin.write("\u0003");
  await once(child, "close");
  // The log's own colours and the terminal's line ends.
  const plain = screen
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    .replaceAll(/\u001b\[\d+m/g, "")
    .replaceAll("\r\n", "\n")
    .replaceAll("^C", "");
  assertHarmless({ stdout: plain, stderr: "" }, "terminal");
});
