/** How the page gets its data: by `fetch`, with the token in a header, and in no other way. */
import { EventReader } from "../sse.ts";

/** The forwarder answered, but not with what was asked for. */
export class NotAnswered extends Error {
  readonly status: number;
  /** How long to wait before the next attempt, in milliseconds; undefined if it does not say. */
  readonly waitMs: number | undefined;

  constructor(status: number, message: string, waitMs: number | undefined) {
    super(message);
    this.status = status;
    this.waitMs = waitMs;
  }
}

/** The forwarder sends something every five seconds. */
const silentMs = 15_000;
const maxErrorChars = 500;

/** What `/events` and others ask for. */
export class Client {
  /** Only here; gone with the page. */
  token = "";

  async #get(path: string, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = this.token === "" ? {} : { authorization: `Bearer ${this.token}` };
    // Relative, so that the page also works behind a proxy that gives it a path.
    const response = await fetch(path, { headers, signal, cache: "no-store", credentials: "omit", redirect: "error" });
    if (response.ok) return response;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const waitMs = seconds >= 0 && seconds < 3600 ? seconds * 1000 : undefined;
    throw new NotAnswered(response.status, await errorOf(response), waitMs);
  }

  /** @throws NotAnswered; and an error when nothing answers */
  async text(path: string, signal: AbortSignal): Promise<string> {
    return (await this.#get(path, signal)).text();
  }

  /** Calls back with each event until the stream ends, by either side. @throws NotAnswered; and an error when it broke */
  async events(path: string, listener: (event: string, data: string) => void, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    signal.addEventListener("abort", end);
    let timer = setTimeout(end, silentMs);
    try {
      const { body } = await this.#get(path, ended.signal);
      if (body === null) throw new Error("the answer is empty");
      const reader = body.getReader();
      const decoder = new TextDecoder();
      const events = new EventReader(listener);
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(end, silentMs);
        events.take(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      end();
    }
  }
}

/** The reason that an answer gives, as text of limited length. */
async function errorOf(response: Response): Promise<string> {
  const text = (await response.text()).slice(0, 64 * 1024);
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "error" in body && typeof body.error === "string")
      return body.error.slice(0, maxErrorChars);
  } catch {
    // Not from the forwarder, perhaps from a proxy.
  }
  return `HTTP status ${response.status}`;
}
