import { Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import { Java, type JavaProcess } from "../../scripts/kafka/java.ts";
import { compiledProgram } from "./java-program.ts";

/** A record as Kafka's own Java consumer sees it. */
export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  readonly value: Buffer | null;
}

interface JsonRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

type Answer = JsonRecord | { readonly end: true } | { readonly error: string };

/** The consumer process: one for all topics of a test file, because a JVM takes half a second to start. */
class Reader {
  readonly #process: JavaProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;

  constructor(java: Java) {
    this.#process = java.spawn(
      ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "ReadTopic"],
      {
        classes: compiledProgram(java, "ReadTopic"),
      },
    );
    this.#process.child.stderr.pipe(process.stderr);
    this.#interface = createInterface({ input: this.#process.child.stdout, crlfDelay: Infinity });
    this.#lines = this.#interface[Symbol.asyncIterator]();
    // The reader ends with its standard input, so with this process; it keeps the process alive only during a request.
    this.#hold(false);
  }

  async read(brokers: readonly string[], topic: string): Promise<ReadRecord[]> {
    this.#hold(true);
    try {
      this.#process.child.stdin.write(`${brokers.join(",")} ${topic}\n`);
      return await this.#records(topic);
    } finally {
      this.#hold(false);
    }
  }

  async #records(topic: string): Promise<ReadRecord[]> {
    const records: ReadRecord[] = [];
    for (;;) {
      const { value: line, done } = await this.#lines.next();
      if (done === true) throw new Error("the reader ended");
      const answer: Answer = JSON.parse(line);
      if ("end" in answer) return records;
      if ("error" in answer) throw new Error(`topic ${topic} cannot be read: ${answer.error}`);
      records.push({
        ...answer,
        key: bytesOf(answer.key),
        value: bytesOf(answer.value),
        headers: answer.headers.map(([name, value]) => [name, bytesOf(value)]),
      });
    }
  }

  #hold(isBusy: boolean): void {
    const { child } = this.#process;
    // The pipes of a child process are sockets; its types only say that they are streams.
    for (const handle of [child, child.stdin, child.stdout, child.stderr]) {
      if (handle !== child && !(handle instanceof Socket)) continue;
      if (isBusy) handle.ref();
      else handle.unref();
    }
  }
}

let reader: Reader | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * All records of a topic up to its present ends, in the order of their offsets within a partition.
 * @throws Error if the topic does not exist or is not read within a minute
 */
export function readTopic(brokers: readonly string[], topic: string): Promise<ReadRecord[]> {
  const own = (reader ??= new Reader(Java.provide()));
  const read = (): Promise<ReadRecord[]> => own.read(brokers, topic);
  const result = last.then(read, read);
  last = result;
  return result;
}

function bytesOf(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, "base64");
}
