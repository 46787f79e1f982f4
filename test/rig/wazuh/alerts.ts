import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { present } from "../present.ts";
import { seededRandom } from "../random.ts";

/** A JSON object whose members are unchecked. */
type JsonObject = Readonly<Record<string, unknown>>;

interface WireCase {
  readonly own_network: string | null;
  readonly alert: JsonObject & { readonly agent?: { readonly id: string } };
  readonly expected: readonly JsonObject[];
}

/** An alert with placeholders for timestamp and id, and the record value that it must become. */
interface Template {
  readonly text: string;
  /** Undefined: of no interest. */
  readonly value: JsonObject | undefined;
  /** Key of the record: the agent's id. */
  readonly key: string;
}

/** One alert as it is written to the log, and what must come of it. */
export interface WrittenAlert {
  /** Unique in a test; also part of the record's value. */
  readonly timestamp: string;
  readonly id: string;
  readonly key: string;
  /** With the newline. */
  readonly line: Buffer;
  /** What the record must hold, parsed; undefined: there must be none. */
  readonly value: JsonObject | undefined;
}

const timestampPlace = "@TIMESTAMP@";
const idPlace = "@ID@";

/** Makes alerts from the wire format's cases, each with a timestamp and an id of its own. */
export class AlertMaker {
  readonly #relevant: readonly Template[];
  readonly #other: readonly Template[];
  readonly #random: () => number;
  readonly #relevantShare: number;
  /** Milliseconds: of the first alert; each next one is a millisecond later. */
  #nextMs: number;
  #logOffset = 0;

  constructor({ seed = 1, relevantShare = 0.3, startMs = Date.now() } = {}) {
    const templates = readTemplates();
    this.#relevant = templates.filter(({ value }) => value !== undefined);
    this.#other = templates.filter(({ value }) => value === undefined);
    this.#random = seededRandom(seed);
    this.#relevantShare = relevantShare;
    this.#nextMs = startMs;
  }

  /** @param isRelevant default: at random, by the share of relevant ones */
  make(isRelevant = this.#random() < this.#relevantShare): WrittenAlert {
    const templates = isRelevant ? this.#relevant : this.#other;
    const template = present(templates[Math.floor(this.#random() * templates.length)]);
    const ms = this.#nextMs++;
    const timestamp = new Date(ms).toISOString().replace("Z", "+0000");
    const id = `${Math.floor(ms / 1000)}.${this.#logOffset}`;
    const line = Buffer.from(`${template.text.replace(timestampPlace, timestamp).replace(idPlace, id)}\n`);
    this.#logOffset += line.length;
    const value = template.value === undefined ? undefined : { ...template.value, timestamp };
    return { timestamp, id, key: template.key, line, value };
  }

  /** The second part of an id is the offset in alerts.log, which restarts with each day. */
  startNewLog(): void {
    this.#logOffset = 0;
  }
}

function readTemplates(): Template[] {
  const cases = readFileSync(join(repositoryRoot, "test/data/wire/wire.jsonl"), "utf8").trimEnd().split("\n");
  return cases
    .map((line): WireCase => JSON.parse(line))
    .filter(({ own_network: ownNetwork }) => ownNetwork === null)
    .map(({ alert, expected }) => {
      const agent = { id: "000", name: "manager", ...alert.agent };
      const text = JSON.stringify({ ...alert, agent, timestamp: timestampPlace, id: idPlace });
      return { text, value: expected[0], key: agent.id };
    });
}
