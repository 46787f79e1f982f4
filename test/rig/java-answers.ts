import { Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import { Java, type JavaProcess } from "../../scripts/kafka/java.ts";
import { sharedClasses } from "./class-archive.ts";
import { compiledProgram } from "./java-program.ts";

/**
 * A program of test/java that answers each line on its standard input with lines, the last of which the caller
 * recognises. It is one process for all requests, because a JVM takes half a second to start, and it starts with the
 * first one.
 */
export class JavaAnswers {
  readonly #name: string;
  readonly #options: readonly string[];
  #started: Started | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param name    of the class
   * @param options for the virtual machine
   */
  constructor(name: string, options: readonly string[]) {
    this.#name = name;
    this.#options = options;
  }

  /**
   * One request after the other.
   * @param take gets each line of the answer and returns whether it is the last one
   * @throws Error when the program ends before that, and what `take` throws
   */
  ask(request: string, take: (line: string) => boolean): Promise<void> {
    const answer = (): Promise<void> => this.#answer(request, take);
    const result = this.#last.then(answer, answer);
    this.#last = result;
    return result;
  }

  async #answer(request: string, take: (line: string) => boolean): Promise<void> {
    const started = (this.#started ??= new Started(this.#name, this.#options));
    started.hold(true);
    try {
      started.process.child.stdin.write(`${request}\n`);
      for (;;) {
        const { value: line, done } = await started.lines.next();
        if (done === true) throw new Error(`${this.#name} ended`);
        if (take(line)) return;
      }
    } finally {
      started.hold(false);
    }
  }
}

class Started {
  readonly process: JavaProcess;
  readonly lines: AsyncIterator<string>;
  readonly #interface: Interface;

  constructor(name: string, options: readonly string[]) {
    const java = Java.provide();
    const args = [...options, ...sharedClasses(java), "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", name];
    this.process = java.spawn(args, { classes: compiledProgram(java, name) });
    this.process.child.stderr.pipe(process.stderr);
    this.#interface = createInterface({ input: this.process.child.stdout, crlfDelay: Infinity });
    this.lines = this.#interface[Symbol.asyncIterator]();
    // It ends with its standard input, so with this process; it keeps this process alive only during a request.
    this.hold(false);
  }

  hold(isBusy: boolean): void {
    const { child } = this.process;
    // The pipes of a child process are sockets; its types only say that they are streams.
    for (const handle of [child, child.stdin, child.stdout, child.stderr]) {
      if (handle !== child && !(handle instanceof Socket)) continue;
      if (isBusy) handle.ref();
      else handle.unref();
    }
  }
}
