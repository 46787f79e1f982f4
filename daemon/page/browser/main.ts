/** The page: asks for a token where one is needed, follows `/events`, and shows what comes. It survives restarts. */
import { lasting } from "../../telemetry/lasting.ts";
import type { HistoryView } from "../history-view.ts";
import type { StatusView } from "../status-view.ts";
import { type StatusLook, wayOf } from "../way.ts";
import { Client, NotAnswered } from "./client.ts";
import { showCurves } from "./curves.ts";
import { byId, show } from "./dom.ts";
import { showWay } from "./picture.ts";
import { showSections } from "./sections.ts";
import { Tapped } from "./tapped.ts";

const firstDelayMs = 1000;
const maxDelayMs = 5000;
/** A new point comes every ten seconds. */
const historyEveryMs = 10_000;

const client = new Client();
const form = byId("ask");
const field = byId("token");
const state = byId("state");
let now: StatusLook | undefined;
let before: StatusLook | undefined;
let isConnected = false;
let historyAt = Number.NEGATIVE_INFINITY;

function showState(text: string, kind: "good" | "bad" | "", title: string): void {
  show(state, [text, kind], () => [text]);
  state.className = kind;
  document.title = `${title} – wazuh-dfn`;
}

function draw(): void {
  if (now === undefined) return;
  const wallMs = Date.now();
  const { status } = now;
  const { health, version, pid, uptimeSeconds } = status;
  const { length } = health.reasons;
  if (isConnected) {
    const text = length === 0 ? "✓ ok" : `✗ degraded: ${length} ${length === 1 ? "reason" : "reasons"}`;
    showState(text, length === 0 ? "good" : "bad", length === 0 ? "ok" : `degraded (${length})`);
  }
  const about = `version ${version}, process ${pid}, up ${lasting(uptimeSeconds)}`;
  show(byId("process"), about, () => [about]);
  byId("content").hidden = false;
  showSections(status, wallMs);
  showWay(byId("way"), byId("steps"), wayOf(now, before, wallMs));
}

function take(event: string, data: string): void {
  if (event !== "status") return;
  // The forwarder's own words, of this or another version; what else answers is not believed to have this form.
  const status: StatusView = JSON.parse(data);
  isConnected = true;
  // A look that was sent at once and the first of each second may be close together: then the rate would be rough.
  const atMs = performance.now();
  if (now !== undefined && atMs - now.atMs >= 500) before = now;
  now = { status, atMs };
  draw();
}

async function refreshHistory(signal: AbortSignal): Promise<void> {
  const atMs = performance.now();
  if (atMs - historyAt < historyEveryMs) return;
  historyAt = atMs;
  try {
    const history: HistoryView = JSON.parse(await client.text("history", signal));
    showCurves(byId("curves"), history);
  } catch {
    // The stream reports what is wrong; the next point is asked for again.
  }
}

/** Resolves when somebody has given a token. */
function askForToken(why: string | undefined): Promise<void> {
  if (why !== undefined) show(byId("ask-note"), why, () => [why]);
  form.hidden = false;
  field.focus();
  return new Promise((resolve) => {
    form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        if (field instanceof HTMLInputElement) {
          client.token = field.value.trim();
          field.value = "";
        }
        form.hidden = true;
        byId("main").focus();
        resolve();
      },
      { once: true },
    );
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

async function follow(): Promise<never> {
  let delayMs = firstDelayMs;
  for (;;) {
    const session = new AbortController();
    let reason: unknown = new Error("the connection ended");
    try {
      const taken = (event: string, data: string): void => {
        delayMs = firstDelayMs;
        take(event, data);
        void refreshHistory(session.signal);
      };
      await client.events("events", taken, session.signal);
    } catch (thrown) {
      reason = thrown;
    }
    session.abort();
    isConnected = false;
    historyAt = Number.NEGATIVE_INFINITY;
    if (reason instanceof NotAnswered && reason.status === 401) {
      const isFirst = client.token === "";
      client.token = "";
      showState("a token is needed", "", "token");
      await askForToken(
        isFirst ? undefined : "This token was refused. The right one is in the file that status.token_file names.",
      );
      continue;
    }
    const text = reason instanceof NotAnswered ? reason.message : "no answer";
    const age = now === undefined ? "" : `; what is shown is old`;
    showState(`✗ not connected: ${text}${age}; it is tried again`, "bad", "not connected");
    await pause((reason instanceof NotAnswered ? reason.waitMs : undefined) ?? delayMs);
    delayMs = Math.min(2 * delayMs, maxDelayMs);
  }
}

new ResizeObserver(draw).observe(byId("main"));
new Tapped(client).offer();
void follow();
