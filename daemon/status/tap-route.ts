import { sourceDefinitions } from "../contract.ts";
import { maxTapFields, type TapFilter, type TappedAlert, tapVerdicts } from "../delivery/tap.ts";
import { describe } from "../errors.ts";
import { eventFrame } from "./event-stream.ts";
import type { StreamRoute } from "./route.ts";

/** Frames are handed to the stream this often, and so many bytes at once, so that a burst does not look like a slow reader. */
const everyMs = 50;
const maxBytesAtOnce = 12 * 1024;
/** That wait to be handed on; more of one second is left out, as everything above the rate is. */
const maxWaiting = 200;
/** For a reader to take the reason why it gets nothing. */
const graceMs = 1000;

/** Server-sent events: `alert` for each alert, `sampled` when some were left out, `error` for a wrong query. */
export const tapRoute: StreamRoute = {
  kind: "stream",
  path: "/tap",
  needs: "tap-token",
  summary:
    "Server-sent events: what flows by and what becomes of it, above 100 a second a sample. Query: verdict, source, handler, field=PATH=VALUE.",
  responses: { 200: { description: "The alerts.", type: "text/event-stream" } },
  open(stream, { query }, { tap }) {
    let filter: TapFilter;
    try {
      filter = tapFilterOf(query);
    } catch (reason) {
      stream.send(eventFrame("error", JSON.stringify({ error: describe(reason) })));
      // Ending it drops what is under way.
      setTimeout(() => stream.end(), graceMs).unref();
      return;
    }
    let waiting: TappedAlert[] = [];
    let leftOut = 0;
    const listener = {
      filter,
      taken(alert: TappedAlert): void {
        if (waiting.length < maxWaiting) waiting.push(alert);
        else leftOut += 1;
      },
      sampled(): void {
        leftOut += 1;
      },
    };
    const timer = setInterval(() => {
      let bytes = 0;
      let sent = 0;
      for (const alert of waiting) {
        const frame = eventFrame("alert", JSON.stringify(alert));
        bytes += Buffer.byteLength(frame);
        if (bytes > maxBytesAtOnce && sent > 0) break;
        sent += 1;
        if (!stream.send(frame)) leftOut += 1;
      }
      waiting = waiting.slice(sent);
      if (leftOut === 0 || waiting.length > 0) return;
      leftOut = 0;
      stream.send(eventFrame("sampled", "{}"));
    }, everyMs);
    stream.ended.addEventListener("abort", () => clearInterval(timer), { once: true });
    // Whoever sees this knows that what comes from now on is looked at.
    stream.send(eventFrame("listening", "{}"));
    tap.listen(listener, stream.ended);
  },
};

/** @throws Error that names what is wrong */
export function tapFilterOf(query: URLSearchParams): TapFilter {
  const verdict = query.get("verdict") ?? undefined;
  const known = tapVerdicts.find((name) => name === verdict);
  if (verdict !== undefined && known === undefined) throw new Error(`verdict must be one of ${tapVerdicts.join(", ")}`);
  const source = query.get("source") ?? undefined;
  if (source !== undefined && !Object.hasOwn(sourceDefinitions, source))
    throw new Error(`source must be one of ${Object.keys(sourceDefinitions).join(", ")}`);
  const fields = query.getAll("field").map(tapFieldOf);
  if (fields.length > maxTapFields) throw new Error(`at most ${maxTapFields} fields can be asked for`);
  return { verdict: known, source, handler: query.get("handler") ?? undefined, fields };
}

/** @param written `PATH=VALUE`, keys with dots between them @throws Error when it is not of this form */
export function tapFieldOf(written: string): TapFilter["fields"][number] {
  const equals = written.indexOf("=");
  const [first = "", ...more] = written.slice(0, Math.max(0, equals)).split(".");
  if (first === "" || more.includes("")) throw new Error("a field is written as PATH=VALUE, such as rule.id=5710");
  return { path: [first, ...more], value: written.slice(equals + 1) };
}
