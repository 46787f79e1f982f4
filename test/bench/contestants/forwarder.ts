import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Program } from "../../rig/program.ts";
import type { AlertSet, Sends } from "../alert-set.ts";
import type { Build, Stage } from "../stage.ts";
import { Watcher } from "../watcher.ts";
import type { Contestant } from "./contestant.ts";

export interface ForwarderOptions {
  readonly name: string;
  /** Passthrough of every line, or the records of the Windows handler. */
  readonly handler: "passthrough" | "windows";
  readonly compression: "gzip" | "none" | "zstd";
  /** Default: ours. */
  readonly build?: Build;
  /** Default: false. Without the socket nothing is paired. */
  readonly hasSocket?: boolean;
  /** Default: false. See `Watcher`. */
  readonly isWatched?: boolean;
  /** Default: false. Manifests, once a second, signed. */
  readonly hasManifests?: boolean;
  /** Called with each that was started. */
  readonly alongside?: (program: Program) => void;
}

/** The forwarder's tail, from the file's beginning. With zstd it runs on the package's Node, because older ones lack it. */
export class ForwarderContestant implements Contestant {
  readonly name: string;
  readonly sends: Sends;
  readonly isForwarder = true;
  readonly #options: ForwarderOptions;
  readonly #watchers: Watcher[] = [];

  constructor(options: ForwarderOptions) {
    this.name = options.name;
    this.sends = options.handler === "passthrough" ? "lines" : "records";
    this.#options = options;
  }

  /** Of each run in which it was watched, the slowest answer to `/status` or `/metrics`, in milliseconds. */
  get slowestAnswersMs(): readonly number[] {
    return this.#watchers.flatMap(({ events, slowestMs }) => (events > 0 ? (slowestMs ?? []) : []));
  }

  prepare(stage: Stage): boolean {
    return this.#node(stage) !== undefined;
  }

  async ready(stage: Stage, { path }: AlertSet, topic: string): Promise<() => Program> {
    const { handler, compression, build, hasSocket, isWatched, alongside, hasManifests } = this.#options;
    const kafka = await stage.kafka();
    const isPassthrough = handler === "passthrough";
    const config = stage.configure({
      dfn: { customer_id: isPassthrough ? "not-written-to" : topic },
      sources: {
        socket: hasSocket === true ? { path: stage.path("alerts.sock") } : "off",
        tail: { path, start: "beginning" },
      },
      sink: { kafka: { brokers: kafka.addresses, compression } },
      handlers: isPassthrough ? { windows: "off", fail2ban: "off", passthrough: { topic } } : {},
      ...(hasManifests === true && { manifest: await manifestSettings(stage, topic) }),
    });
    return () => {
      const program = stage.forwarder(config, build, this.#node(stage));
      if (isWatched === true) this.#watch(program, join(dirname(config), "status.sock"));
      alongside?.(program);
      return program;
    };
  }

  ofOtherBuild(): ForwarderContestant {
    return new ForwarderContestant({ ...this.#options, name: `${this.name}, the other build`, build: "other" });
  }

  #watch(program: Program, socket: string): void {
    const watcher = new Watcher(socket, () => program.ended !== undefined);
    this.#watchers.push(watcher);
    void watcher.watch();
  }

  #node(stage: Stage): string | undefined {
    return this.#options.compression === "zstd" ? stage.packagedNode() : process.execPath;
  }
}

/** A topic of manifests for this topic, and a key. */
async function manifestSettings(stage: Stage, topic: string): Promise<object> {
  const manifests = `${topic}-manifests`;
  await (await stage.kafka()).createTopic(manifests, { partitions: 1 });
  const keyFile = stage.path(`${manifests}.pem`);
  writeFileSync(keyFile, generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }), {
    mode: 0o600,
  });
  return { topic: manifests, interval: "1s", key_file: keyFile };
}
