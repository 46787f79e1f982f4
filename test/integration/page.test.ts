/** The page at `/` in a real Chromium, and a real forwarder behind it. */
import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { Metrics } from "../../daemon/status/metrics.ts";
import { StatusService } from "../../daemon/status/service.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { Browser, type BrowserPage } from "../rig/browser.ts";
import { eventually } from "../rig/eventually.ts";
import { freePorts } from "../rig/free-ports.ts";
import type { Kafka } from "../rig/kafka.ts";
import { present } from "../rig/present.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { aForwarder, counts, countsOf, kafkaAtWork } from "../unit/status/a-forwarder.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

let browser: Browser;
before(async () => {
  browser = await Browser.start();
});
after(async () => {
  await browser[Symbol.asyncDispose]();
});

interface Served extends AsyncDisposable {
  readonly world: StatusWorld;
  readonly url: string;
}

/** A forwarder that is not started yet, with its status on a port. */
async function served(
  sink?: Readonly<Record<string, unknown>>,
  handlers: Readonly<Record<string, unknown>> = { fail2ban: {} },
): Promise<Served> {
  const world = await StatusWorld.create();
  const [port = 0] = await freePorts(1);
  world.configure(handlers, `127.0.0.1:${port}`, sink);
  return {
    world,
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function isWiderThanItsWindow(page: BrowserPage): Promise<boolean> {
  return (await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")) === true;
}

/** In each width, light and dark: nothing to scroll sideways, nothing that axe finds, and a picture. */
async function assertGoodToSee(page: BrowserPage, name: string): Promise<void> {
  for (const width of [360, 1600]) {
    for (const isDark of [false, true]) {
      await page.resize(width);
      await page.dark(isDark);
      const place = `${name}-${width}-${isDark ? "dark" : "light"}`;
      await page.picture(place);
      assert.equal(await isWiderThanItsWindow(page), false, place);
      assert.deepEqual(await page.accessibilityFaults(), [], place);
    }
  }
}

test("while alerts flow, the page shows the way of an alert with counts and rates, and asks nobody else for anything", async () => {
  await using status = await served();
  const { world, url } = status;
  await world.start();
  await using page = await browser.open(url);
  await page.shows(/^✓ ok$/, "#state");
  assert.match(String(await page.evaluate("document.title")), /^ok – wazuh-dfn$/);
  const broken = `${alertLine(1_700_000_000).slice(0, -1)},}`;
  world.writeLog(alertLine(1_700_000_001), '{"id":"1.2"}', alertLine(1_700_000_002), broken);
  await page.shows(/relevant\s+3\s/, "#way");
  await page.shows(/alerts\.json\s+4\s/, "#way");
  await page.shows(/fail2ban 2/, "#way");
  // The same figures for who does not see the picture.
  assert.match(await page.text("#steps"), /^alerts\.json\s+4\s/m);
  await page.shows(/^not-json\s+none\s+tail\s+1$/m, "#causes");
  await page.shows(/dead letters/, "#reasons");
  await page.shows(/alerts\.json/, "#files");
  assert.equal(
    await page.evaluate(
      "document.querySelector('#files progress').value === document.querySelector('#files progress').max",
    ),
    true,
  );
  await page.shows(/degraded: 1 reason/, "#state");
  // More come while it is open.
  world.writeLog(...Array.from({ length: 500 }, (_, second) => alertLine(1_700_000_100 + second)));
  await page.shows(/alerts\.json\s+504\s/, "#way");
  await page.shows(/Alerts read\s+now [\d.,]+ a second, most [\d.,]+/, "#curves");
  await assertGoodToSee(page, "at-work");
  assert.deepEqual(
    page.urls.filter((asked) => !asked.startsWith(url) && !asked.startsWith("data:")),
    [],
  );
  assert.deepEqual(page.errors, []);
});

test("the page survives a restart of the forwarder, and says meanwhile that it shows the past", async () => {
  await using status = await served();
  const first = await status.world.start();
  await using page = await browser.open(status.url);
  await page.shows(new RegExp(`process ${first.pid},`), "#process");
  await first.stop();
  await page.shows(/^✗ not connected: .*what is shown is old/, "#state");
  assert.match(String(await page.evaluate("document.title")), /^not connected/);
  const second = await status.world.start();
  await page.shows(new RegExp(`process ${second.pid},`), "#process");
  await page.shows(/^✓ ok$/, "#state");
});

test("a log that is not there is on the page with its remedy, and gone when the log is back", async () => {
  await using status = await served();
  const { world, url } = status;
  await world.start();
  await using page = await browser.open(url, 360);
  await page.shows(/^Nothing is wrong\.$/, "#reasons");
  const logs = world.directory.join("ossec/logs");
  renameSync(logs, `${logs}.moved`);
  await page.shows(/log for \d+ s[^]*alerts\.json does not exist[^]*Is the manager running\?/, "#reasons");
  await page.shows(/^✗ degraded: 1 reason$/, "#state");
  await assertGoodToSee(page, "log-absent");
  renameSync(`${logs}.moved`, logs);
  await page.shows(/^Nothing is wrong\.$/, "#reasons");
});

test("a Kafka that cannot be reached is on the page, with what to do", async () => {
  const [closed = 0] = await freePorts(1);
  await using status = await served({ kafka: { brokers: [`127.0.0.1:${closed}`] } });
  await status.world.start();
  status.world.writeLog(alertLine(1_700_000_001));
  await using page = await browser.open(status.url);
  await page.shows(new RegExp(`127\\.0\\.0\\.1:${closed}[^]*What to do: `), "#reasons");
  await page.shows(/brokers\s+none connected/, "#sink");
  await page.shows(/in flight\s+1\s/, "#way");
  await assertGoodToSee(page, "kafka-unreachable");
});

test("a topic that does not exist is on the page, and when it was made so are its partitions", async () => {
  await using kafka: Kafka = await sharedKafka();
  const topic = `page-${process.pid}`;
  const { addresses } = kafka;
  await using status = await served(
    { kafka: { brokers: addresses } },
    { windows: "off", fail2ban: "off", passthrough: { topic } },
  );
  await status.world.start();
  status.world.writeLog(alertLine(1_700_000_001));
  await using page = await browser.open(status.url);
  await page.shows(new RegExp(`topic ${topic} for [^]*What to do: create the topic`), "#reasons");
  await page.picture("topic-missing");
  await kafka.createTopic(topic, { partitions: 1 });
  await page.shows(new RegExp(`^${topic}\\s+0\\s+\\S+:\\d+\\s+0$`, "m"), "#partitions");
  await page.shows(/^Nothing is wrong\.$/, "#reasons");
  await assertGoodToSee(page, "kafka-at-work");
});

test("hostile text from alerts, files and brokers is text on the page, and its policy lets nothing else run", async () => {
  const evil = `<img src="http://127.0.0.1:1/x" onerror="window.owned=1"><script>window.owned=1</script>\u202e&lt;b&gt;`;
  const cause = { source: evil, reason: evil, handler: evil, entries: 2 };
  const facts = aForwarder({
    version: evil,
    sources: countsOf({ tail: counts({ read: 7 }) }),
    sink: {
      ...kafkaAtWork,
      connected: [evil],
      partitions: [{ topic: evil, partition: 0, leader: evil, waitingBatches: 1 }],
      troubles: [{ code: "kafka-unreachable", subject: evil, text: evil.repeat(20), remedy: evil, since: 1 }],
      lastError: { text: evil, since: 1 },
    },
    certificates: [{ setting: "cert", file: evil, expiresAt: evil, daysLeft: 1 }],
    events: { lastSeen: {}, leftOut: { [evil]: 3 }, records: { [evil]: 3 } },
  });
  const open = { entries: 2, since: undefined, causes: [cause], detail: evil };
  const hostile = {
    ...facts,
    log: { ...present(facts.log), file: evil, damagedArchives: [{ file: evil, offset: 1 }] },
    deadLetters: { ...facts.deadLetters, open },
  };
  const [port = 0] = await freePorts(1);
  await using status = new StatusService({
    facts: () => hostile,
    refresh: () => Promise.resolve(),
    metrics: new Metrics(),
  });
  await status.listen({ kind: "tcp", host: "127.0.0.1", port }, silentLog);
  await using page = await browser.open(`http://127.0.0.1:${port}/`, 360);
  const text = await page.shows(/onerror/, "#reasons");
  assert.ok(text.includes(evil), text);
  for (const place of ["#files", "#sink", "#partitions", "#causes", "#more", "#process"])
    assert.ok((await page.text(place)).includes("<img src="), place);
  assert.equal(await page.evaluate("document.querySelectorAll('img, b, main script').length"), 0);
  assert.equal(await page.evaluate("window.owned"), undefined);
  assert.deepEqual(
    page.urls.filter((asked) => !asked.startsWith(`http://127.0.0.1:${port}/`) && !asked.startsWith("data:")),
    [],
  );
  assert.deepEqual(page.errors, []);
  await assertGoodToSee(page, "hostile");
  // What a fault in the page could let in does not run either.
  for (const attempt of [
    "document.body.innerHTML = '<p>x</p>'",
    "document.body.insertAdjacentHTML('beforeend', '<p>x</p>')",
    "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.owned = 1' }))",
  ])
    await page.evaluate(`(() => { try { ${attempt} } catch (reason) { return String(reason) } })()`);
  assert.equal(await page.evaluate("window.owned"), undefined);
  assert.notEqual(await page.evaluate("document.querySelector('main')"), null);
});

test("the page is one file of at most 100 KB without any data, and only its own script and style may run", async () => {
  await using status = await served();
  await status.world.start();
  const response = await fetch(status.url);
  const html = await response.text();
  assert.ok(Buffer.byteLength(html) <= 100 * 1024, `${Buffer.byteLength(html)} bytes`);
  assert.doesNotMatch(html, /https?:(?!\/\/www\.w3\.org\/2000\/svg)|\ssrc=|@import|url\((?!#)/);
  assert.ok(!html.includes(status.world.directory.path));
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}='; /);
  assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe|\*/);
});

const statusToken = "t0ken-of-the-status-0123456789abcdef";
const tapToken = "t0ken-of-the-alerts-0123456789abcdef";

/** A forwarder, not started yet, whose port wants a token; contents of alerts want another one. */
async function guarded(): Promise<Served> {
  const status = await served();
  const { directory, config } = status.world;
  const [tokenFile, tapTokenFile] = [directory.join("status-token"), directory.join("tap-token")];
  writeFileSync(tokenFile, `${statusToken}\n`, { mode: 0o600 });
  writeFileSync(tapTokenFile, `${tapToken}\n`, { mode: 0o600 });
  const settings = JSON.parse(readFileSync(config, "utf8"));
  const listen = new URL(status.url).host;
  const access = { listen, token_file: tokenFile, tap_token_file: tapTokenFile };
  writeFileSync(config, JSON.stringify({ ...settings, status: access }));
  return status;
}

test("with the keyboard alone: the token is asked for, kept in memory only, and everything can be reached", async () => {
  await using status = await guarded();
  const { world, url } = status;
  await world.start();
  world.writeLog(`${alertLine(1_700_000_000).slice(0, -1)},}`);
  await using page = await browser.open(url);
  await page.shows(/a token is needed/, "#state");
  await page.dark(true);
  assert.deepEqual(await page.accessibilityFaults(), []);
  await page.picture("token");
  // The field has the focus already.
  await page.type("wrong");
  await page.press("Enter");
  await page.shows(/This token was refused/);
  await page.type(statusToken);
  await page.press("Tab", "Enter");
  await page.shows(/degraded: 1 reason/, "#state");
  await page.shows(/Alerts read\s+now/, "#curves");
  const kept = await page.evaluate(
    "JSON.stringify([localStorage.length, sessionStorage.length, document.cookie, location.href])",
  );
  assert.equal(kept, JSON.stringify([0, 0, "", url]));
  assert.ok(page.urls.every((asked) => !asked.includes(statusToken)));
});

test("with the keyboard alone: from the top there is a way past the head, and to the part that scrolls", async () => {
  await using status = await served();
  const { world, url } = status;
  await world.start();
  world.writeLog(`${alertLine(1_700_000_000).slice(0, -1)},}`);
  await using open = await browser.open(url, 360);
  await open.shows(/degraded: 1 reason/, "#state");
  const focused = "document.activeElement.className || document.activeElement.id";
  await open.press("Tab");
  assert.equal(await open.evaluate(focused), "skip");
  assert.equal(await open.evaluate("document.activeElement.getBoundingClientRect().width > 100"), true);
  await open.press("Enter");
  assert.equal(await open.evaluate(focused), "main");
  await open.press("Tab");
  assert.equal(await open.evaluate(focused), "scroll");
});

/** The HTTP status that one who asks for one more stream gets. */
async function streamOf(url: string, token: string): Promise<number> {
  const ended = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const { status } = await fetch(`${url}events`, { headers, signal: ended.signal });
  ended.abort();
  return status;
}

test("alerts as they flow by are listed with the token for them alone, as text, until somebody stops it", async () => {
  await using status = await guarded();
  const { world, url } = status;
  await world.start();
  await using page = await browser.open(url);
  await page.shows(/a token is needed/, "#state");
  await page.type(statusToken);
  await page.press("Enter");
  await page.shows(/^✓ ok$/, "#state");
  // With the keyboard from here on: its field gets the focus.
  await page.evaluate("document.getElementById('tap').focus()");
  await page.press("Enter");
  await page.shows(/^Not shown: contents of alerts need the token of status\.tap_token_file\.$/, "#tap-note");
  await page.type(tapToken);
  await page.press("Enter");
  await page.shows(/^Listening\.$/, "#tap-note");
  const evil = '<img src=x onerror="window.owned=1"><b>&lt;';
  world.writeLog(
    alertLine(1_700_000_001),
    alertLine(1_700_000_002).replace('"banned"', JSON.stringify(evil)),
    ...Array.from({ length: 30 }, (_, at) => `{"id":"1.${at}"}`),
  );
  const listed = await page.shows(/1700000002\.1\s+sent/, "#tapped");
  assert.ok(listed.includes(evil), listed);
  assert.match(
    listed,
    /^1700000001\.1\s+sent\s+acknowledged: fail2ban to topic acme\s+tail\s+agent 001 \(host\), rule 100 level 5, banned\s/m,
  );
  assert.match(listed, /^1\.29\s+ignored\s+nothing in it that a handler looks for\s+tail/m);
  // Of those that are ignored the last ones, and they have not pushed out the others.
  assert.equal(listed.match(/\signored\s/g)?.length, 10);
  assert.equal(await page.evaluate("document.querySelectorAll('img, b').length + (window.owned ?? 0)"), 0);
  await assertGoodToSee(page, "tapped");
  // An address may have two streams: those of the page, until it leaves one of them.
  assert.equal(await streamOf(url, statusToken), 429);
  await page.evaluate("document.getElementById('tap').click()");
  await page.shows(/^Stopped\.$/, "#tap-note");
  await eventually("the end of the page's second stream", async () => (await streamOf(url, statusToken)) === 200);
  world.writeLog(alertLine(1_700_000_003));
  await page.shows(/alerts\.json\s+33\s/, "#way");
  assert.doesNotMatch(await page.text("#tapped"), /1700000003/);
  assert.ok(page.urls.every((asked) => !asked.includes(tapToken)));
});

/** What `ssh -L` makes of the Unix socket, with a path before everything, as a proxy may give it. */
async function forwarded(socketPath: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((asked, answer) => {
    const path = (asked.url ?? "").replace(/^\/dfn/, "");
    const behind = request({ socketPath, path, agent: false }, (response) => {
      answer.writeHead(response.statusCode ?? 0, response.headers);
      response.pipe(answer);
    });
    behind.on("error", () => answer.destroy());
    answer.on("close", () => behind.destroy());
    behind.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/dfn/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("behind a proxy that gives it a path the page works too, and from the Unix socket it lists alerts without a token", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using proxy = await forwarded(world.statusSocket);
  await using page = await browser.open(proxy.url);
  await page.shows(/^✓ ok$/, "#state");
  await page.shows(/Alerts read\s+now/, "#curves");
  await page.evaluate("document.getElementById('tap').click()");
  await page.shows(/^Listening\.$/, "#tap-note");
  world.writeLog(alertLine(1_700_000_001));
  await page.shows(/1700000001\.1\s+sent/, "#tapped");
});
