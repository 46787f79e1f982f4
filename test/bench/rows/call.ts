import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { BenchAlerts } from "../alerts.ts";
import type { Figure } from "../figure.ts";
import { environment, type Stage } from "../stage.ts";
import { present } from "../../rig/present.ts";
import type { Program } from "../../rig/program.ts";
import { redirection } from "../../rig/custom-dfn.ts";
import { quantile } from "../figure.ts";
import type { Row } from "./row.ts";

const callsPerRound = 60;

/** Row f: one call of custom-dfn as integratord makes it, beside a start of Node that does nothing. */
export class CallRow implements Row {
  readonly #stage: Stage;
  readonly #alerts = new BenchAlerts({ relevantEvery: 1 });
  readonly #alertFile: string;
  readonly #socketPath: string;
  #forwarder: Program | undefined;
  readonly #own: number[] = [];
  readonly #others: number[] = [];
  readonly #perSecond: number[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#alertFile = stage.path("custom-dfn-1764800000-1.alert");
    this.#socketPath = stage.path("alerts.sock");
  }

  async prepare(): Promise<void> {
    const log = this.#stage.path("alerts.json");
    writeFileSync(log, "");
    const config = this.#stage.configure({
      sources: { socket: { path: this.#socketPath }, tail: { path: log } },
      sink: { file: { path: this.#stage.path("records") } },
    });
    this.#forwarder = this.#stage.forwarder(config);
    await this.#forwarder.waitForLog(/"msg":"started"/);
  }

  async round(isForwarderFirst: boolean): Promise<void> {
    const own: number[] = [];
    const others: number[] = [];
    for (let call = 0; call < callsPerRound; call++) {
      if (isForwarderFirst) own.push(this.#call());
      others.push(timedMs(process.execPath, ["-e", "0"]));
      if (!isForwarderFirst) own.push(this.#call());
    }
    this.#own.push(quantile(own, 0.5));
    this.#others.push(quantile(others, 0.5));
    const startedMs = performance.now();
    for (let call = 0; call < callsPerRound; call++) this.#call();
    this.#perSecond.push((callsPerRound * 1000) / (performance.now() - startedMs));
  }

  figures(): readonly Figure[] {
    const beside = { what: "node -e 0", samples: this.#others };
    const limit = { kind: "at most", value: 1.35 } as const;
    return [
      { row: "f", what: "one custom-dfn call", unit: "ms", samples: this.#own, beside, limit },
      {
        row: "f",
        what: "calls one after the other",
        unit: "calls/s",
        samples: this.#perSecond,
        beside: undefined,
        limit: undefined,
      },
    ];
  }

  async dispose(): Promise<void> {
    await this.#forwarder?.[Symbol.asyncDispose]();
  }

  /** Milliseconds of one call with an alert that was not there before. */
  #call(): number {
    writeFileSync(this.#alertFile, this.#alerts.next());
    const args = [this.#alertFile, "", `unix:${this.#socketPath}`, "", "", "10", "3", redirection];
    const tookMs = timedMs(this.#stage.customDfn, args);
    if (present(this.#forwarder).ended !== undefined) throw new Error("the forwarder ended");
    return tookMs;
  }
}

function timedMs(file: string, args: readonly string[]): number {
  const startedMs = performance.now();
  const { status } = spawnSync(file, args, { env: environment(), stdio: "ignore" });
  const tookMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`${file} ended with ${String(status)}`);
  return tookMs;
}
