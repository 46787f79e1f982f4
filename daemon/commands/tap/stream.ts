import { request } from "node:http";
import { withSocket } from "../../os/unix-socket.ts";
import { describe, DfnError } from "../../errors.ts";
import { EventReader } from "../../page/sse.ts";

/** How long an answer may take, and how long the stream may be silent: the forwarder sends something every five seconds. */
const silentMs = 15_000;

/**
 * Follows server-sent events on the forwarder's Unix socket.
 * @param ended ends it
 * @throws DfnError UNAVAILABLE when nobody answers, or when the other side ended it
 */
export async function followEvents(
  socketPath: string,
  path: string,
  listener: (event: string, data: string) => void,
  ended: AbortSignal,
): Promise<void> {
  try {
    await withSocket(socketPath, (own) => follow(own, path, listener, ended));
  } catch (reason) {
    if (ended.aborted) return;
    const text = describe(reason).replaceAll(/\/proc\/self\/fd\/\d+/g, socketPath);
    const remedy =
      "is it running, and with the same configuration? Start it: wazuh-dfn run, or systemctl start wazuh-dfn";
    throw new DfnError("UNAVAILABLE", `no forwarder answers on ${socketPath} (status.listen): ${text}; ${remedy}`, {
      cause: reason,
    });
  }
}

function follow(
  socketPath: string,
  path: string,
  listener: (event: string, data: string) => void,
  ended: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: { host: "localhost" }, agent: false, signal: ended });
    asked.setTimeout(silentMs, () => asked.destroy(new Error(`nothing came for ${silentMs / 1000} s`)));
    asked.on("error", reject);
    asked.on("response", (response) => {
      response.on("error", reject);
      if (response.statusCode !== 200) {
        response.destroy(new Error(`the answer is HTTP status ${response.statusCode ?? 0}`));
        return;
      }
      const reader = new EventReader(listener);
      response.setEncoding("utf8").on("data", (text: string) => {
        try {
          reader.take(text);
        } catch (reason) {
          response.destroy(reason instanceof Error ? reason : new Error(describe(reason)));
        }
      });
      response.on("end", () => reject(new Error("it has ended the connection")));
    });
    ended.addEventListener("abort", () => resolve(), { once: true });
    asked.end();
  });
}
