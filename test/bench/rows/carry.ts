import { BenchAlerts, writeLines } from "../alerts.ts";
import type { Figure } from "../figure.ts";
import type { Run, Stage } from "../stage.ts";
import { Alert } from "../../../daemon/alert/alert.ts";
import { defaultEventIds, windowsHandler } from "../../../daemon/handlers/windows.ts";
import { present } from "../../rig/present.ts";
import { bothWays, type Row } from "./row.ts";

export interface CarryOptions {
  readonly figure: Pick<Figure, "row" | "what" | "limit">;
  readonly lines: number;
  readonly relevantEvery: number;
  readonly lineBytes?: number;
  /** Passthrough of every line, or the records of the Windows handler. */
  readonly handler: "passthrough" | "windows";
  /**
   * What the plain program sends: these lines, the records that the forwarder makes from them, or the relevant lines.
   * without-socket: the forwarder with the socket off instead, and ours with it on.
   */
  readonly plain: "all" | "records" | "relevant" | "without-socket";
}

/** Rows c, d and e: from a file to acknowledged records in Kafka, the whole process from its start. */
export class CarryRow implements Row {
  readonly #stage: Stage;
  readonly #options: CarryOptions;
  readonly #alerts: string;
  readonly #plainInput: string;
  #lines = 0;
  #records = 0;
  readonly #own: number[] = [];
  readonly #others: number[] = [];
  readonly peaks: number[] = [];

  constructor(stage: Stage, options: CarryOptions) {
    this.#stage = stage;
    this.#options = options;
    this.#alerts = stage.path("alerts.json");
    this.#plainInput = options.plain === "records" ? stage.path("records") : this.#alerts;
  }

  async prepare(): Promise<void> {
    const { relevantEvery, handler, plain, lineBytes = 0 } = this.#options;
    const lines = Math.round(this.#options.lines * this.#stage.scale);
    const alerts = (): BenchAlerts => new BenchAlerts({ relevantEvery, lineBytes });
    const forForwarder = alerts();
    writeLines(this.#alerts, () => forForwarder.next(), { lines });
    this.#lines = lines;
    this.#records = handler === "passthrough" ? lines : Math.ceil(lines / relevantEvery);
    if (plain !== "records") return;
    const windows = windowsHandler("unused", defaultEventIds);
    const same = alerts();
    const newline = Buffer.from("\n");
    const record = (): Buffer => {
      const line = Buffer.from(same.next());
      return Buffer.concat([present(windows.record(Alert.parse(line.subarray(0, -1)))).value, newline]);
    };
    writeLines(this.#plainInput, record, { lines });
  }

  round(isForwarderFirst: boolean): Promise<void> {
    return bothWays(
      isForwarderFirst,
      () => this.forwarder(),
      () => this.#plain(),
    );
  }

  figures(): readonly Figure[] {
    const isSocketOff = this.#options.plain === "without-socket";
    const plain = isSocketOff ? "the same with the socket off" : "plain kafkajs";
    const beside = { what: this.#stage.hasOtherBuild ? "the other build" : plain, samples: this.#others };
    return [{ ...this.#options.figure, unit: "lines/s", samples: this.#own, beside }];
  }

  async dispose(): Promise<void> {
    // Nothing but files, which are removed with the stage.
  }

  /** One run of the forwarder alone. */
  async forwarder(): Promise<void> {
    const { seconds, peakBytes } = await this.#run("dist", this.#options.plain === "without-socket");
    this.#own.push(this.#lines / seconds);
    this.peaks.push(peakBytes);
  }

  async #run(build: "dist" | "other", hasSocket: boolean): Promise<Run> {
    const stage = this.#stage;
    const topic = await stage.newTopic();
    const isPassthrough = this.#options.handler === "passthrough";
    const handlers = isPassthrough ? { windows: "off", fail2ban: "off", passthrough: { topic } } : {};
    const config = stage.configure({
      dfn: { customer_id: isPassthrough ? "not-written-to" : topic },
      sources: {
        socket: hasSocket ? { path: stage.path("alerts.sock") } : "off",
        tail: { path: this.#alerts, start: "beginning" },
      },
      sink: { kafka: { brokers: (await stage.kafka()).addresses } },
      handlers,
    });
    return stage.carry(topic, this.#records, () => stage.forwarder(config, build));
  }

  async #plain(): Promise<void> {
    const stage = this.#stage;
    const hasSocket = this.#options.plain === "without-socket";
    if (hasSocket || stage.hasOtherBuild) {
      const isOther = stage.hasOtherBuild;
      const { seconds } = await this.#run(isOther ? "other" : "dist", hasSocket && isOther);
      this.#others.push(this.#lines / seconds);
      return;
    }
    const topic = await stage.newTopic();
    const { addresses } = await stage.kafka();
    const which = this.#options.plain === "relevant" ? "relevant" : "all";
    const args = [addresses.join(","), topic, this.#plainInput, which];
    const { seconds } = await stage.carry(topic, this.#records, () => stage.program("plain-producer", args));
    this.#others.push(this.#lines / seconds);
  }
}
