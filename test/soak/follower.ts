import { createInterface } from "node:readline";
import { Java, type JavaProcess } from "../../scripts/kafka/java.ts";
import { sharedClasses } from "../rig/class-archive.ts";
import { compiledProgram } from "../rig/java-program.ts";

/** A record as Kafka's own Java consumer sees it; bytes as latin1 text, one character per byte. */
export interface FollowedRecord {
  readonly partition: number;
  readonly offset: number;
  /** When the broker appended it, milliseconds since 1970. */
  readonly appendedMs: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

type Line = FollowedRecord | { readonly begins: string };

/**
 * Follows topics with Kafka's Java consumer, not through the relays: what breaks the forwarder's route does not affect
 * this one.
 */
export class Follower implements Disposable {
  readonly #process: JavaProcess;
  readonly #brokers: readonly string[];
  readonly #topics: { readonly topic: string; readonly see: (record: FollowedRecord) => void }[] = [];
  #see: ((record: FollowedRecord) => void) | undefined;

  constructor(brokers: readonly string[]) {
    this.#brokers = brokers;
    const java = Java.provide();
    const options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", ...sharedClasses(java)];
    const quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=off";
    this.#process = java.spawn([...options, quiet, "FollowTopic"], { classes: compiledProgram(java, "FollowTopic") });
    this.#process.child.stderr.pipe(process.stderr);
    createInterface({ input: this.#process.child.stdout, crlfDelay: Infinity }).on("line", (line) => this.#take(line));
  }

  /**
   * Begins with a topic, from its beginning; `see` gets every record of it. The topic that was followed before is
   * dropped.
   */
  follow(topic: string, see: (record: FollowedRecord) => void): void {
    this.#topics.push({ topic, see });
    this.#process.child.stdin.write(`${this.#brokers.join(",")} ${topic}\n`);
  }

  [Symbol.dispose](): void {
    this.#process.signal("SIGKILL");
  }

  #take(line: string): void {
    const read: Line = JSON.parse(line);
    if ("begins" in read) {
      this.#see = this.#topics.shift()?.see;
      return;
    }
    const { key, value, headers } = read;
    const decoded = Object.entries(headers).map(([name, text]) => [name, latin1Of(text)]);
    this.#see?.({ ...read, key: latin1Of(key), value: latin1Of(value), headers: Object.fromEntries(decoded) });
  }
}

function latin1Of(base64: string | null): string | null {
  return base64 === null ? null : Buffer.from(base64, "base64").toString("latin1");
}
