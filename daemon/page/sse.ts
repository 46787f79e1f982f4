/** Longer than any status: what is longer does not come from the forwarder. */
const maxEventChars = 4 * 1024 * 1024;

/** Server-sent events out of text that comes in pieces, as the HTML standard has them; only `event` and `data` count. */
export class EventReader {
  readonly #listener: (event: string, data: string) => void;
  #rest = "";
  #event = "";
  #data: string[] = [];
  #chars = 0;

  constructor(listener: (event: string, data: string) => void) {
    this.#listener = listener;
  }

  /** @throws Error when an event is too long */
  take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (this.#rest.length + this.#chars > maxEventChars) throw new Error("what answers is not wazuh-dfn");
  }

  #line(line: string): void {
    if (line === "") {
      if (this.#data.length > 0) this.#listener(this.#event, this.#data.join("\n"));
      this.#event = "";
      this.#data = [];
      this.#chars = 0;
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "data") {
      this.#data.push(value);
      this.#chars += value.length;
    }
  }
}
