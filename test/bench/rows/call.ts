import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { BenchAlerts } from "../alerts.ts";
import { type Figure, quantile } from "../figure.ts";
import { environment, type Stage } from "../stage.ts";
import { present } from "../../rig/present.ts";
import type { Program } from "../../rig/program.ts";
import { redirection } from "../../rig/custom-dfn.ts";
import { bothWays, type Row } from "./row.ts";

const callsPerRound = 60;

/** Calls $2 for each of $1 alerts, with as little overhead as integratord has, which is a C program. */
const caller = `
  call=0
  while [ $call -lt "$1" ]; do
    "$2" "$3/custom-dfn-$call-1.alert" "" "unix:$4" "" "" 10 3 "${redirection}" || exit
    call=$((call + 1))
  done
`;

/**
 * Row f: one call of custom-dfn as integratord makes it, compared with a start of Node that does nothing; and calls one
 * after the other by the package's own program, without perl, nc or socat, compared with the bundled way.
 */
export class CallRow implements Row {
  readonly #stage: Stage;
  readonly #alerts = new BenchAlerts({ relevantEvery: 1 });
  readonly #alertFile: string;
  readonly #socketPath: string;
  #forwarder: Program | undefined;
  readonly #own: number[] = [];
  readonly #others: number[] = [];
  readonly #bundledMs: number[] = [];
  readonly #fastMs: number[] = [];
  readonly #fastCustomDfn: string;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#alertFile = stage.path("custom-dfn-1764800000-1.alert");
    this.#socketPath = stage.path("alerts.sock");
    this.#fastCustomDfn = stage.path("custom-dfn");
  }

  async prepare(): Promise<void> {
    const chooseWay = this.#stage.directory.join("dist/choose-way.cjs");
    const chosen = execFileSync(process.execPath, [chooseWay, "--way", "own"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    writeFileSync(this.#fastCustomDfn, chosen, { mode: 0o755 });
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
    const bundled = this.#stage.customDfn;
    const own: number[] = [];
    const others: number[] = [];
    for (let call = 0; call < callsPerRound; call++) {
      if (isForwarderFirst) own.push(this.#call(bundled));
      others.push(timedMs(process.execPath, ["-e", "0"]));
      if (!isForwarderFirst) own.push(this.#call(bundled));
    }
    this.#own.push(quantile(own, 0.5));
    this.#others.push(quantile(others, 0.5));
    await bothWays(
      isForwarderFirst,
      async () => void this.#fastMs.push(await this.#msPerCall(this.#fastCustomDfn)),
      async () => void this.#bundledMs.push(await this.#msPerCall(bundled)),
    );
  }

  figures(): readonly Figure[] {
    const beside = { what: "node -e 0", samples: this.#others };
    const limit = { kind: "at most", value: 1.35 } as const;
    return [
      { row: "f", what: "one custom-dfn call", unit: "ms", samples: this.#own, beside, limit },
      {
        row: "f",
        what: "one call without perl, nc, socat",
        unit: "ms",
        samples: this.#fastMs,
        beside: { what: "the bundled way", samples: this.#bundledMs },
        limit: { kind: "at most", value: 0.15 },
      },
    ];
  }

  async dispose(): Promise<void> {
    await this.#forwarder?.[Symbol.asyncDispose]();
  }

  /** Milliseconds of one call, of many that follow each other. */
  async #msPerCall(customDfn: string): Promise<number> {
    const stage = this.#stage;
    const alerts = stage.newDirectory("alerts");
    for (let call = 0; call < callsPerRound; call++) {
      writeFileSync(`${alerts}/custom-dfn-${call}-1.alert`, this.#alerts.next());
    }
    const args = ["-c", caller, "sh", String(callsPerRound), customDfn, alerts, this.#socketPath];
    const { seconds } = await stage.timed("/bin/sh", args);
    return (seconds * 1000) / callsPerRound;
  }

  /** Milliseconds of one call with an alert that was not there before. */
  #call(customDfn: string): number {
    writeFileSync(this.#alertFile, this.#alerts.next());
    const args = [this.#alertFile, "", `unix:${this.#socketPath}`, "", "", "10", "3", redirection];
    const tookMs = timedMs(customDfn, args);
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
