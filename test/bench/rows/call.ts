import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ways } from "../../../integration/fast-path/ways.ts";
import { BenchAlerts } from "../alerts.ts";
import { atLeast, atMost, type Figure, quantile } from "../figure.ts";
import { environment, type Stage } from "../stage.ts";
import { present } from "../../rig/present.ts";
import type { Program } from "../../rig/program.ts";
import { redirection } from "../../rig/custom-dfn.ts";
import { bothWays, type Row } from "./row.ts";

const callsPerRound = 60;

/** The ways that need a tool which not every system has. */
const byTools: ReadonlySet<string> = new Set(["perl", "nc", "socat"]);

/** Calls $2 for each of $1 alerts, with as little overhead as integratord has, which is a C program. */
const caller = `
  call=0
  while [ $call -lt "$1" ]; do
    "$2" "$3/custom-dfn-$call-1.alert" "" "unix:$4" "" "" 10 3 "${redirection}" || exit
    call=$((call + 1))
  done
`;

/**
 * Row f: one call of custom-dfn as integratord makes it, compared with a start of Node that does nothing; calls one
 * after the other by the fast path of this system, compared with the bundled way; and the same where the system has
 * neither perl nor nc nor socat.
 */
export class CallRow implements Row {
  readonly #stage: Stage;
  readonly #alerts = new BenchAlerts({ relevantEvery: 1 });
  readonly #alertFile: string;
  readonly #socketPath: string;
  #forwarder: Program | undefined;
  readonly #own: number[] = [];
  readonly #others: number[] = [];
  readonly #bundledPerSecond: number[] = [];
  readonly #fastPerSecond: number[] = [];
  readonly #toollessPerSecond: number[] = [];
  readonly #calls: number;
  #fastCustomDfn = "";
  #toollessCustomDfn = "";
  #bundledCustomDfn = "";

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#alertFile = stage.path("custom-dfn-1764800000-1.alert");
    this.#socketPath = stage.path("alerts.sock");
    this.#calls = Math.max(5, Math.ceil(callsPerRound * Math.min(stage.scale, 1)));
  }

  async prepare(): Promise<void> {
    this.#fastCustomDfn = this.#install([]);
    this.#bundledCustomDfn = this.#install(["--way", "bundled"]);
    this.#toollessCustomDfn = this.#install(["--way", ways.find((way) => !byTools.has(way)) ?? "bundled"]);
    const log = this.#stage.path("alerts.json");
    writeFileSync(log, "");
    const config = this.#stage.configure({
      sources: { socket: { path: this.#socketPath }, tail: { path: log } },
      sink: { file: { path: this.#stage.path("records") } },
    });
    this.#forwarder = this.#stage.forwarder(config);
    await this.#forwarder.waitForLog(/"msg":"started"/);
  }

  async round(index: number): Promise<void> {
    const isForwarderFirst = index % 2 === 0;
    const bundled = this.#stage.customDfn;
    const own: number[] = [];
    const others: number[] = [];
    for (let call = 0; call < this.#calls; call++) {
      if (isForwarderFirst) own.push(this.#call(bundled));
      others.push(timedMs(process.execPath, ["-e", "0"]));
      if (!isForwarderFirst) own.push(this.#call(bundled));
    }
    this.#own.push(quantile(own, 0.5));
    this.#others.push(quantile(others, 0.5));
    const fast = async (): Promise<void> => {
      this.#fastPerSecond.push(await this.#perSecond(this.#fastCustomDfn));
      this.#toollessPerSecond.push(await this.#perSecond(this.#toollessCustomDfn));
    };
    const slow = async (): Promise<void> => {
      this.#bundledPerSecond.push(await this.#perSecond(this.#bundledCustomDfn));
    };
    await bothWays(index, fast, slow);
  }

  figures(): readonly Figure[] {
    const row = "f";
    const bundledMs = this.#bundledPerSecond.map((calls) => 1000 / calls);
    return [
      {
        row,
        what: "one call of custom-dfn, the bundled way",
        unit: "ms",
        samples: this.#own,
        beside: { what: "`node -e 0`", samples: this.#others },
        limit: atMost(1.35),
      },
      {
        row,
        what: "calls one after the other, the fast path",
        unit: "/s",
        samples: this.#fastPerSecond,
        beside: { what: "the bundled way", samples: this.#bundledPerSecond },
        limit: atLeast(8),
      },
      {
        row,
        what: "one of these without perl, nc, socat",
        unit: "ms",
        samples: this.#toollessPerSecond.map((calls) => 1000 / calls),
        beside: { what: "the bundled way", samples: bundledMs },
        limit: atMost(0.15),
      },
    ];
  }

  async dispose(): Promise<void> {
    await this.#forwarder?.[Symbol.asyncDispose]();
  }

  /** custom-dfn as choose-way writes it, next to what the package installs. @returns its path */
  #install(options: readonly string[]): string {
    const directory = this.#stage.newDirectory("lib");
    const chooseWay = this.#stage.directory.join("dist/choose-way.cjs");
    const args = [chooseWay, "--lib", directory, ...options];
    const chosen = execFileSync(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    mkdirSync(join(directory, "bin"));
    symlinkSync(process.execPath, join(directory, "bin/node"));
    copyFileSync(this.#stage.customDfn, join(directory, "custom-dfn.cjs"));
    const path = join(directory, "custom-dfn");
    writeFileSync(path, chosen, { mode: 0o755 });
    return path;
  }

  async #perSecond(customDfn: string): Promise<number> {
    const stage = this.#stage;
    const alerts = stage.newDirectory("alerts");
    for (let call = 0; call < this.#calls; call++) {
      writeFileSync(`${alerts}/custom-dfn-${call}-1.alert`, this.#alerts.next());
    }
    const args = ["-c", caller, "sh", String(this.#calls), customDfn, alerts, this.#socketPath];
    const { seconds } = await stage.timed("/bin/sh", args);
    return this.#calls / seconds;
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
