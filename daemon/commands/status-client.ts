import { request, type RequestOptions } from "node:http";
import type { StatusAddress } from "../config/sections/status.ts";
import { withSocket } from "../os/unix-socket.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import { JoinedSignal } from "../joined-signal.ts";
import type { StatusSnapshot } from "../status/facts.ts";
import { placeName } from "../status/gate.ts";
import { maxAnswerBytes, parseStatus } from "./status-answer.ts";

const usualMs = 5000;

/**
 * Asks the running forwarder for its status. Whoever answers there cannot harm this process: a link in place of the
 * socket is not followed, the answer is bounded in size and time, and its shape is checked.
 * @param withinMs time limit for the whole exchange, in milliseconds
 * @param ended    ends it before that
 * @throws DfnError UNAVAILABLE if no forwarder answers there
 */
export async function askStatus(
  listen: StatusAddress,
  withinMs = usualMs,
  ended?: AbortSignal,
): Promise<StatusSnapshot> {
  const name = placeName(listen);
  const asked = { path: "/status", headers: { host: "localhost" }, agent: false };
  try {
    return parseStatus(
      listen.kind === "unix"
        ? await withSocket(listen.path, (own) => get({ ...asked, socketPath: own }, withinMs, ended))
        : await get({ ...asked, host: listen.host, port: listen.port }, withinMs, ended),
    );
  } catch (reason) {
    // The path through which the socket was reached means nothing to the administrator.
    const text = describe(reason).replaceAll(/\/proc\/self\/fd\/\d+/g, name);
    const what = `no forwarder answers on ${name} (status.listen): ${text}`;
    throw new DfnError("UNAVAILABLE", `${what}; ${remedyFor(reason)}`, { cause: reason });
  }
}

function remedyFor(reason: unknown): string {
  if (errnoOf(reason) === "EACCES")
    return "run this command as root, as the forwarder's user, or as a member of its group";
  return "is it running, and with the same configuration? Start it: wazuh-dfn run, or systemctl start wazuh-dfn";
}

/** The body of an answer with status 200. All of it must arrive within `withinMs`. */
function get(options: RequestOptions, withinMs: number, ended?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const limit = AbortSignal.timeout(withinMs);
    const joined = new JoinedSignal(ended === undefined ? [limit] : [limit, ended]);
    const late = (reason: Error): Error =>
      limit.aborted ? new Error(`no answer within ${withinMs / 1000} s`, { cause: reason }) : reason;
    const asked = request({ ...options, signal: joined.signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > maxAnswerBytes) response.destroy(new Error("the answer is too long"));
      });
      response.on("error", (reason) => reject(late(reason)));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
        else reject(new Error(`the answer is HTTP status ${response.statusCode ?? 0}`));
      });
    });
    asked.on("error", (reason) => reject(late(reason)));
    asked.on("close", () => joined[Symbol.dispose]());
    asked.end();
  });
}
