import { request, type RequestOptions } from "node:http";
import type { StatusAddress } from "../config/config.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import type { Snapshot } from "../status/facts.ts";

const timeoutMs = 5000;
/** A status has a few kilobytes, also with many troubles. */
const mostBytes = 4 * 1024 * 1024;

/**
 * Asks the running forwarder for its status.
 * @returns the JSON text and what it says
 * @throws DfnError UNAVAILABLE when no forwarder answers there
 */
export async function askStatus(
  listen: StatusAddress,
): Promise<{ readonly text: string; readonly snapshot: Snapshot }> {
  const name = listen.kind === "unix" ? listen.path : `${listen.host}:${listen.port}`;
  const where = listen.kind === "unix" ? { socketPath: listen.path } : { host: listen.host, port: listen.port };
  try {
    const text = await get({ ...where, path: "/status", headers: { host: "localhost" }, agent: false });
    const snapshot: unknown = JSON.parse(text);
    if (!isSnapshot(snapshot)) throw new Error("what answers there is no wazuh-dfn");
    return { text, snapshot };
  } catch (reason) {
    const what = `no forwarder answers on ${name} (status.listen): ${describe(reason)}`;
    throw new DfnError("UNAVAILABLE", `${what}; ${remedyFor(reason)}`, { cause: reason });
  }
}

function remedyFor(reason: unknown): string {
  if (errnoOf(reason) === "EACCES") return "run this command as root, or as the forwarder's user or in its group";
  return "is it running, and with the same configuration? Start it: wazuh-dfn run, or systemctl start wazuh-dfn";
}

function get(options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const asked = request({ ...options, signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > mostBytes) response.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
        else reject(new Error(`the answer is HTTP status ${response.statusCode ?? 0}`));
      });
    });
    asked.on("error", (reason) => {
      reject(signal.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`, { cause: reason }) : reason);
    });
    asked.end();
  });
}

/** Health and sources stand for the rest: the other side is a wazuh-dfn, perhaps of another version. */
function isSnapshot(value: unknown): value is Snapshot {
  return typeof value === "object" && value !== null && "health" in value && "sources" in value && "queue" in value;
}
