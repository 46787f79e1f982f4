import { BenchAlerts, writeLines } from "../alerts.ts";
import type { Figure } from "../figure.ts";
import type { Stage } from "../stage.ts";
import { bothWays, type Row } from "./row.ts";

const fileBytes = 1_000_000_000;

interface Beside {
  readonly what: string;
  readonly file: string;
  readonly args: readonly string[];
}

/** Rows a and b: how fast the log is read when little or nothing of it leads to a record. */
export class ScanRow implements Row {
  readonly #stage: Stage;
  readonly #figure: Pick<Figure, "row" | "what" | "limit">;
  readonly #relevantEvery: number;
  readonly #beside: Beside;
  readonly #path: string;
  #written = { lines: 0, bytes: 0 };
  readonly #own: number[] = [];
  readonly #others: number[] = [];

  constructor(
    stage: Stage,
    figure: Pick<Figure, "row" | "what" | "limit">,
    relevantEvery: number,
    beside: { readonly what: string; readonly file: string; readonly args: readonly string[] },
  ) {
    this.#stage = stage;
    this.#figure = figure;
    this.#relevantEvery = relevantEvery;
    this.#beside = beside;
    this.#path = stage.path("alerts.json");
  }

  async prepare(): Promise<void> {
    const alerts = new BenchAlerts({ relevantEvery: this.#relevantEvery });
    this.#written = writeLines(this.#path, () => alerts.next(), { bytes: fileBytes * this.#stage.scale });
  }

  round(index: number): Promise<void> {
    return bothWays(
      index,
      () => this.#forwarder(),
      () => this.#other(),
    );
  }

  figures(): readonly Figure[] {
    return [
      { ...this.#figure, unit: "MB/s", samples: this.#own, beside: { what: this.#beside.what, samples: this.#others } },
    ];
  }

  async dispose(): Promise<void> {
    // Nothing but the file, which is removed with the stage.
  }

  async #forwarder(): Promise<void> {
    const config = this.#stage.configure({
      sources: { socket: "off", tail: { path: this.#path, start: "beginning" } },
      sink: { file: { path: this.#stage.path("unused") } },
    });
    const { output } = await this.#stage.timed("read-log", [config]);
    const { tookMs, lines, records }: Record<string, number> = JSON.parse(output);
    const wanted = this.#relevantEvery === 0 ? 0 : Math.ceil(this.#written.lines / this.#relevantEvery);
    if (lines !== this.#written.lines || records !== wanted) {
      throw new Error(`row ${this.#figure.row}: ${lines} lines and ${records} records; ${wanted} were to come`);
    }
    this.#own.push(this.#megabytesIn((tookMs ?? 0) / 1000));
  }

  async #other(): Promise<void> {
    const { file, args } = this.#beside;
    const { seconds } = await this.#stage.timed(file, [...args, this.#path]);
    this.#others.push(this.#megabytesIn(seconds));
  }

  #megabytesIn(seconds: number): number {
    return this.#written.bytes / 1e6 / seconds;
  }
}
