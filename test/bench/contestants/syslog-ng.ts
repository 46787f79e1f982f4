import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { present } from "../../rig/present.ts";
import type { Program } from "../../rig/program.ts";
import type { AlertSet } from "../alert-set.ts";
import { debianProgram, directoryOf, type DebianPrograms } from "../debian-programs.ts";
import type { Stage } from "../stage.ts";
import type { Contestant } from "./contestant.ts";

const packages = ["syslog-ng-core", "syslog-ng-mod-rdkafka"];

/** syslog-ng's file source and kafka-c, which send each line; without compression, which is what kafka-c does by itself. */
export class SyslogNgContestant implements Contestant {
  readonly name = "syslog-ng, no compression";
  readonly sends = "lines";
  readonly isForwarder = false;

  prepare(stage: Stage): boolean {
    return stage.debianPrograms(packages) !== undefined;
  }

  async ready(stage: Stage, { path }: AlertSet, topic: string): Promise<() => Program> {
    const programs = present(stage.debianPrograms(packages));
    const brokers = (await stage.kafka()).addresses.join(",");
    const directory = stage.newDirectory("syslog-ng");
    const config = join(directory, "syslog-ng.conf");
    writeFileSync(
      config,
      `@version: ${versionOf(programs)}
options { stats-freq(0); log-msg-size(65536); };
source alerts { file("${path}" flags(no-parse) follow-freq(1) log-fetch-limit(10000) log-iw-size(100000)); };
destination kafka {
  kafka-c(bootstrap-servers("${brokers}") topic("${topic}") message("\${MESSAGE}")
    config("acks"("all") "compression.codec"("none")));
};
log { source(alerts); destination(kafka); flags(flow-control); };
`,
    );
    const modules = directoryOf(programs, "libkafka.so");
    const files = ["-R", join(directory, "persist"), "-p", join(directory, "pid"), "-c", join(directory, "control")];
    const args = ["-F", "--no-caps", "-f", config, "--module-path", modules, ...files];
    return () => debianProgram(programs, "usr/sbin/syslog-ng", args);
  }
}

/** Of its form of settings, as the settings that come with it name it. */
function versionOf({ root }: DebianPrograms): string {
  const text = readFileSync(join(root, "etc/syslog-ng/syslog-ng.conf"), "utf8");
  return present(/^@version: (\S+)$/m.exec(text)?.[1]);
}
