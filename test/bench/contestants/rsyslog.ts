import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { present } from "../../rig/present.ts";
import type { Program } from "../../rig/program.ts";
import type { AlertSet } from "../alert-set.ts";
import { debianProgram, directoryOf } from "../debian-programs.ts";
import type { Stage } from "../stage.ts";
import type { Contestant } from "./contestant.ts";

const packages = ["rsyslog", "rsyslog-kafka"];

/**
 * rsyslog's imfile and omkafka, which send each line; without compression, which is what omkafka does by itself. Other
 * sizes of queues and batches make no difference to its processor time.
 */
export class RsyslogContestant implements Contestant {
  readonly name = "rsyslog, no compression";
  readonly sends = "lines";
  readonly isForwarder = false;

  prepare(stage: Stage): boolean {
    return stage.debianPrograms(packages) !== undefined;
  }

  async ready(stage: Stage, { path }: AlertSet, topic: string): Promise<() => Program> {
    const programs = present(stage.debianPrograms(packages));
    const brokers = (await stage.kafka()).addresses.map((address) => JSON.stringify(address)).join(",");
    const directory = stage.newDirectory("rsyslog");
    const config = join(directory, "rsyslog.conf");
    writeFileSync(
      config,
      `global(workDirectory="${directory}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
module(load="omkafka")
template(name="line" type="list") { property(name="msg") }
ruleset(name="to-kafka" queue.type="LinkedList" queue.size="50000" queue.dequeueBatchSize="4096") {
  action(type="omkafka" broker=[${brokers}] topic="${topic}" template="line" resubmitOnFailure="on"
    confParam=["acks=all", "compression.codec=none"])
}
input(type="imfile" file="${path}" tag="alerts:" ruleset="to-kafka")
`,
    );
    const args = ["-n", "-iNONE", "-f", config, "-M", directoryOf(programs, "omkafka.so")];
    return () => debianProgram(programs, "usr/sbin/rsyslogd", args);
  }
}
