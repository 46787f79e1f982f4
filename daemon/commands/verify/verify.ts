import { setTimeout as sleep } from "node:timers/promises";
import { readDuration } from "../../config/values/units.ts";
import { InvalidValue } from "../../config/values/problem.ts";
import { describe, exitCodes } from "../../errors.ts";
import { createSink } from "../../sink-kinds/registry.ts";
import { noTelemetry } from "../../sinks/kafka/connection/telemetry.ts";
import { silentLog } from "../../telemetry/log.ts";
import { KnownStreams } from "../../verify/known-streams.ts";
import { policyOf, type TopicReader, unknownPolicy } from "../../verify/topic-reader.ts";
import { Verification, type VerifyOptions, type VerifyResult } from "../../verify/verification.ts";
import { type Command, configOptions, configOptionsHelp, type Io, loadConfig, parseCommandLine } from "../command.ts";
import { keepMemorySmall } from "../memory.ts";
import { say } from "../say.ts";
import { metricsOf, MetricsServer } from "./verify-metrics.ts";
import { acceptedStreams, keysByNode, metricsAddress, verifyUsage } from "./verify-options.ts";
import { verifyJson, verifyText } from "./verify-text.ts";
import { timeOption } from "../time-option.ts";

const dayMs = 86_400_000;

export const verifyCommand: Command = {
  name: "verify",
  summary: "at the SOC: compares the topics with what the nodes announced",
  usage: `Reads the manifests that the nodes publish, then the topics that they speak of, and says whether everything that was
announced is there, once and unaltered; if not, which node, hour and kind, and what to ask for. It reads only.
docs/for-the-soc.md says what that proves.

Usage: wazuh-dfn verify [options] --manifests TOPIC

  --manifests TOPIC     the topic of manifests
  --key NODE=PUBLIC     the public key of a node: as wazuh-dfn manifest key prints it there, or a file; may be
                        repeated. Without keys the result is at best unproven
  --node NODE           only this node
  --accept NODE=STREAM  a new stream of a node that goes on from none is known to be right; may be repeated
  --state FILE          keeps the last manifest of each stream, and notices when one that was seen is gone or another
  --since TIME          only alerts from this time on, for instance 2026-11-21; reads less
  --json                as one JSON object
  --watch               goes on, a round every --every, until Ctrl-C; without --since it looks at a day
  --every DURATION      time between two rounds; default 1m
  --listen HOST:PORT    with --watch: serves /metrics for Prometheus to this machine, for instance 127.0.0.1:9466
${configOptionsHelp}
It needs the operation Read on all these topics, and DescribeConfigs for its warnings.
Exit code: 0 if all is there; 1 if not; 69 if that cannot be known, with the reason: also when it is unproven.
`,
  async run(args, io) {
    const { values } = parseCommandLine(verifyCommand, args, {
      ...configOptions,
      manifests: { type: "string" },
      key: { type: "string", multiple: true, default: [] },
      node: { type: "string" },
      accept: { type: "string", multiple: true, default: [] },
      state: { type: "string" },
      since: { type: "string" },
      json: { type: "boolean", default: false },
      watch: { type: "boolean", default: false },
      every: { type: "string", default: "1m" },
      listen: { type: "string" },
    });
    const { manifests, state } = values;
    if (manifests === undefined) throw verifyUsage("--manifests TOPIC is missing");
    if (values.listen !== undefined && !values.watch) throw verifyUsage("--listen is for --watch");
    const address = values.listen === undefined ? undefined : metricsAddress(values.listen);
    const everyMs = everyOf(values.every);
    keepMemorySmall();
    const options: VerifyOptions = {
      manifests,
      keys: keysByNode(values.key),
      node: values.node,
      accepted: acceptedStreams(values.accept),
      sinceMs: timeOption(verifyCommand, "since", values.since),
      known: state === undefined ? new KnownStreams() : await KnownStreams.read(state),
    };
    const config = loadConfig(values, io);
    const created = createSink(config.sink, { env: io.env, log: silentLog, telemetry: noTelemetry });
    await using sink = created.sink;
    sink.open();
    const reader: TopicReader = {
      extents: created.extents,
      read: created.read,
      policy: async (topic) => {
        try {
          return policyOf(topic, await created.topicSettings(topic));
        } catch (reason) {
          return unknownPolicy(topic, describe(reason));
        }
      },
    };
    const output = { io, state, asJson: values.json };
    if (!values.watch) return codeOf((await round(new Verification(options, reader), options, output)).result);
    // The sink lives as long as the watching.
    return await watch(options, reader, { ...output, everyMs, address });
  },
};

interface Output {
  readonly io: Io;
  readonly state: string | undefined;
  readonly asJson: boolean;
}

/** Reads, compares, prints and remembers. */
async function round(
  verification: Verification,
  options: VerifyOptions,
  { io, state, asJson }: Output,
  signal = new AbortController().signal,
): Promise<{ readonly result: VerifyResult; readonly known: KnownStreams }> {
  await verification.read(signal);
  const result = await verification.judge(Date.now(), signal);
  io.stdout.write(asJson ? verifyJson(result) : verifyText(result));
  const known = options.known.with(result.streams, result.live);
  if (state !== undefined) await known.write(state);
  return { result, known };
}

interface Watching extends Output {
  readonly everyMs: number;
  readonly address: ReturnType<typeof metricsAddress> | undefined;
}

/**
 * Round after round, until a signal. What was read is kept for a day, and then read again from a day before: so memory is
 * that of two days.
 */
async function watch(options: VerifyOptions, reader: TopicReader, watching: Watching): Promise<number> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, end);
  let metrics = "";
  let code: number = exitCodes.UNAVAILABLE;
  let known = options.known;
  let begun:
    { readonly verification: Verification; readonly options: VerifyOptions; readonly atMs: number } | undefined;
  await using server =
    watching.address === undefined ? undefined : await MetricsServer.listen(watching.address, () => metrics);
  if (server !== undefined) say(watching.io.stderr, `metrics are at ${server.url}`);
  try {
    while (!ended.signal.aborted) {
      const nowMs = Date.now();
      if (begun === undefined || nowMs - begun.atMs > dayMs) {
        const own = { ...options, known, sinceMs: Math.max(options.sinceMs ?? 0, nowMs - dayMs) };
        begun = { verification: new Verification(own, reader), options: own, atMs: nowMs };
      }
      const done = await round(begun.verification, { ...begun.options, known }, watching, ended.signal);
      known = done.known;
      metrics = metricsOf(done.result, nowMs);
      code = codeOf(done.result);
      // What was not read would be missing in the next round.
      if (done.result.isUnread) begun = undefined;
      await sleep(watching.everyMs, undefined, { signal: ended.signal });
    }
  } catch (reason) {
    if (!ended.signal.aborted) throw reason;
  } finally {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, end);
  }
  return code;
}

function codeOf({ result }: VerifyResult): number {
  return result === "complete" ? 0 : result === "incomplete" ? 1 : exitCodes.UNAVAILABLE;
}

function everyOf(text: string): number {
  try {
    return readDuration(text, { least: 1000, most: dayMs });
  } catch (reason) {
    if (!(reason instanceof InvalidValue)) throw reason;
    throw verifyUsage(`--every: ${reason.message}`);
  }
}
