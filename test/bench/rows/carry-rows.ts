/** What rows c, d, e, i, j, k, l and m consist of. */
import { ForwarderContestant, type ForwarderOptions } from "../contestants/forwarder.ts";
import { KafkajsContestant } from "../contestants/kafkajs.ts";
import { RsyslogContestant } from "../contestants/rsyslog.ts";
import { SyslogNgContestant } from "../contestants/syslog-ng.ts";
import { atLeast, atMost } from "../figure.ts";
import type { CarryOptions, Comparison } from "./carry.ts";

const rsyslog = new RsyslogContestant();
const syslogNg = new SyslogNgContestant();
const peakMegabytes = 180;

/** The forwarder with gzip, which is what it does by itself. */
function ours(options: Partial<ForwarderOptions> = {}): ForwarderContestant {
  const usual: ForwarderOptions = { name: "wazuh-dfn, gzip", handler: "windows", compression: "gzip" };
  return new ForwarderContestant({ ...usual, ...options });
}

function peak(own: ForwarderContestant): Comparison {
  const what = `peak memory, ${own.name}`;
  return { what, measure: "memory", own, limit: atMost(peakMegabytes) };
}

function passthrough(): CarryOptions {
  const handler = "passthrough";
  const what = "file to Kafka, passthrough of 2 KB lines";
  const gzip = ours({ handler });
  const none = ours({ handler, name: "wazuh-dfn, no compression", compression: "none" });
  const zstd = ours({ handler, name: "wazuh-dfn, zstd, the package's Node", compression: "zstd" });
  const kafkajs = new KafkajsContestant("lines");
  return {
    row: "c",
    set: { lines: 200_000, relevantEvery: 10, lineBytes: 2000 },
    main: gzip,
    others: [none, zstd, kafkajs, rsyslog, syslogNg],
    comparisons: [
      { what: `${what}, gzip`, measure: "rate", own: gzip, beside: kafkajs, limit: atLeast(2.2) },
      { what: "the same", measure: "rate", own: gzip, beside: rsyslog, limit: atLeast(1.2) },
      { what: "the same, zstd", measure: "rate", own: zstd, beside: syslogNg, limit: atLeast(0.9) },
      { what: "processor time, gzip", measure: "processor", own: gzip, beside: rsyslog, limit: atMost(0.8) },
      peak(gzip),
      peak(zstd),
    ],
  };
}

function windowsRecords(): CarryOptions {
  const main = ours();
  const beside = new KafkajsContestant("records");
  const what = "file to Kafka, Windows records, all relevant";
  return {
    row: "d",
    set: { lines: 150_000, relevantEvery: 1 },
    main,
    others: [beside],
    comparisons: [{ what, measure: "rate", own: main, beside, limit: atLeast(1.5) }, peak(main)],
  };
}

function oneInTen(): CarryOptions {
  const main = ours();
  const kafkajs = new KafkajsContestant("relevant lines");
  return {
    row: "e",
    set: { lines: 400_000, relevantEvery: 10 },
    main,
    others: [syslogNg, kafkajs],
    comparisons: [
      {
        what: "file to Kafka, 1 in 10 relevant",
        measure: "rate",
        own: main,
        beside: syslogNg,
        limit: atLeast(1.7),
      },
      { what: "the same", measure: "rate", own: main, beside: kafkajs, limit: atLeast(1.3) },
      peak(main),
    ],
  };
}

function paired(): CarryOptions {
  const handler = "passthrough";
  const on = ours({ handler, name: "wazuh-dfn, gzip, the socket on", hasSocket: true });
  const off = ours({ handler, name: "wazuh-dfn, gzip, the socket off" });
  const what = "as c, the socket on: each line is paired";
  return {
    row: "i",
    set: passthrough().set,
    main: on,
    others: [off],
    comparisons: [{ what, measure: "rate", own: on, beside: off, limit: atLeast(0.9) }, peak(on)],
  };
}

/** As c, and looked at meanwhile. */
export const watched = ours({ handler: "passthrough", name: "wazuh-dfn, gzip, watched", isWatched: true });
export const unwatched = ours({ handler: "passthrough", name: "wazuh-dfn, gzip, not watched" });

/** What is judged further is in `WatchedRow`. */
export function watchedOptions(): CarryOptions {
  const what = "as c, with page, /events, and /metrics and /status every second";
  return {
    row: "j",
    set: passthrough().set,
    main: unwatched,
    others: [watched],
    comparisons: [{ what, measure: "rate", own: watched, beside: unwatched, limit: atLeast(0.97) }],
  };
}

/** As c, next to an audit. @param alongside called with each forwarder that an audit is to run next to */
export function auditedOptions(alongside: NonNullable<ForwarderOptions["alongside"]>): CarryOptions {
  const handler = "passthrough";
  const alone = ours({ handler, name: "wazuh-dfn, gzip, no audit" });
  const audited = ours({ handler, name: "wazuh-dfn, gzip, an audit running", alongside });
  return {
    row: "k",
    // Three times as many as row c: an audit runs for longer than it takes to begin.
    set: { ...passthrough().set, lines: 600_000 },
    main: alone,
    others: [audited],
    comparisons: [
      { what: "as c, with an audit running", measure: "rate", own: audited, beside: alone, limit: atLeast(0.95) },
    ],
  };
}

/** The cost of manifests, for the records of a handler. */
function proven(row: string, handler: ForwarderOptions["handler"], what: string, least: number): CarryOptions {
  const without = ours({ handler, name: "wazuh-dfn, gzip, no manifests" });
  const main = ours({ handler, name: "wazuh-dfn, gzip, manifests", hasManifests: true });
  const set = handler === "passthrough" ? passthrough().set : windowsRecords().set;
  return {
    row,
    set,
    main: without,
    others: [main],
    comparisons: [{ what, measure: "rate", own: main, beside: without, limit: atLeast(least) }, peak(main)],
  };
}

/** By the name of the row. */
export const carryRows = {
  c: passthrough,
  d: windowsRecords,
  e: oneInTen,
  i: paired,
  l: () => proven("l", "passthrough", "as c, with manifests", 0.9),
  m: () => proven("m", "windows", "as d, with manifests", 0.97),
} as const;
