import type { Program } from "../../rig/program.ts";
import type { AlertSet, Sends } from "../alert-set.ts";
import type { Stage } from "../stage.ts";
import type { Contestant } from "./contestant.ts";

const names: Readonly<Record<Sends, string>> = {
  lines: "plain kafkajs, gzip",
  "relevant lines": "plain kafkajs with a byte prefilter, gzip",
  records: "plain kafkajs, ready-made values, gzip",
};

/** The plain program with kafkajs's own producer: test/bench/programs/plain-producer.ts. */
export class KafkajsContestant implements Contestant {
  readonly name: string;
  readonly sends: Sends;
  readonly isForwarder = false;

  constructor(sends: Sends) {
    this.sends = sends;
    this.name = names[sends];
  }

  prepare(): boolean {
    return true;
  }

  async ready(stage: Stage, { path, recordsPath }: AlertSet, topic: string): Promise<() => Program> {
    const { addresses } = await stage.kafka();
    const input = this.sends === "records" ? recordsPath : path;
    const which = this.sends === "relevant lines" ? "relevant" : "all";
    return () => stage.program("plain-producer", [addresses.join(","), topic, input, which]);
  }
}
