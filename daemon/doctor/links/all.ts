import { join } from "node:path";
import { defaultSocketPath } from "../../../integration/protocol.ts";
import type { Config } from "../../config/schema.ts";
import { type Problem, problemLine } from "../../config/values/problem.ts";
import { settingOf } from "../../wazuh/ossec-conf.ts";
import type { QueueAddress } from "../../wazuh/queue-address.ts";
import { link, type Link } from "../chain.ts";
import { type CheckResult, failed, ok, warning } from "../result.ts";
import { judgeOutput, judgeReading, judgeWriting, lookAtReading, lookAtWriting } from "./alert-log.ts";
import { directoryOf } from "../../sources/tail/log/archives.ts";
import { judgeArchives, judgeCheckpoint, lookAtArchives, lookAtStored } from "./checkpoint.ts";
import { judgeOtherSenders, lookAtOtherSenders } from "./other-senders.ts";
import { judgeCustomDfn, lookAtCustomDfn } from "./custom-dfn.ts";
import { judgeEvents, logAlertLevelOf, lookAtRuleset } from "./events.ts";
import { type ForwarderFacts, judgeForwarder } from "./forwarder.ts";
import { judgeCustomDfnCall, lookAtCustomDfnCall } from "./custom-dfn-call.ts";
import { type Block, blocksOf, isBlockLeftOut, judgeBlock, leftOut, socketOf } from "./integration-block.ts";
import { judgeIntegratord, progressOf, temporaryFilesOf } from "./integratord.ts";
import { availableMemory, judgeClock, judgeDisk, judgeMemory, lookAtClock, lookAtDisk } from "./machine.ts";
import { judgeManager, lookAtManager } from "./manager.ts";
import { judgeQueue, judgeRelay, lookAtQueue, lookAtRelay } from "./queue.ts";
import { judgeRules, lookAtRules, rulesBehind } from "./rules.ts";
import { sinkLinks } from "./sink.ts";
import { judgeSocket, lookAtSocket } from "./socket.ts";
import { judgeUnit, lookAtUnit } from "./unit.ts";
import { isRootsAlone, refusalFor } from "../accounts.ts";
import { allProcesses, type Running, wazuhDaemon } from "../processes.ts";
import type { DoctorContext } from "../context.ts";

/** What `check` finds wrong with the settings, and their path. */
interface DoctorSettings {
  readonly path: string;
  readonly problems: readonly Problem[];
}

/** The links that every machine has, even if the settings are wrong. */
export function machineLinks(
  context: DoctorContext,
  settings: DoctorSettings,
  forwarder: ForwarderFacts | undefined,
): Link[] {
  const { home, ossecConf, snapshot } = context;
  return [
    link("configuration", () => judgeConfiguration(settings.path, settings.problems.filter(hasNoLink))),
    link("manager", async () => judgeManager(await lookAtManager(home, ossecConf))),
    ...(ossecConf.kind === "read" ? [link("JSON output", () => judgeOutput(home, ossecConf.conf))] : []),
    link("unit", async () => judgeUnit(await lookAtUnit(snapshot !== undefined))),
    ...(forwarder === undefined ? [] : [link("forwarder", () => judgeForwarder(forwarder))]),
    link("other senders", async () => {
      const ours = [process.pid, ...(snapshot === undefined ? [] : [snapshot.pid])];
      return judgeOtherSenders(await lookAtOtherSenders(await allProcesses(), ours));
    }),
    link("clock", async () => judgeClock(lookAtClock())),
  ];
}

/** Without what another link reports. */
function hasNoLink({ setting = "" }: Problem): boolean {
  return !/^sink\.kafka\.tls|^sources\.tail\.path$|^wazuh\.feedback$/.test(setting);
}

/** The links that the settings name. */
export function configuredLinks(context: DoctorContext, config: Config, settings: DoctorSettings): Link[] {
  const { tail, socket } = config.sources;
  return [
    ...logLinks(context, config),
    ...(socket === undefined ? [] : socketLinks(context, config, { ...socket, isTailOn: tail !== undefined })),
    ...(config.wazuh.feedback === "off" ? [] : feedbackLinks(context, config.wazuh.queue)),
    eventsLink(context, config),
    ...sinkLinks(context, config, settings.problems),
    link("disk", async () => {
      const directories = [config.stateDir, join(context.home, "logs")];
      return Promise.all(directories.map(async (directory) => judgeDisk(await lookAtDisk(directory))));
    }),
    link("memory", async () => {
      const rssBytes = context.snapshot?.process.rssBytes;
      return judgeMemory({ availableBytes: await availableMemory(), limitBytes: config.limits.memoryBytes, rssBytes });
    }),
  ];
}

/** The daemon's process; undefined: it does not run, null: the current user may not see it. */
function daemon(home: string, name: string): Promise<Running | undefined | null> {
  return wazuhDaemon(home, name).catch(() => null);
}

function logLinks({ home, forwarder, snapshot }: DoctorContext, { sources: { tail }, stateDir }: Config): Link[] {
  const path = tail?.path ?? join(home, "logs/alerts/alerts.json");
  const writing = link("analysisd", async () => {
    const analysisd = await daemon(home, "wazuh-analysisd");
    const isRunning = analysisd === null ? undefined : analysisd !== undefined;
    return judgeWriting(await lookAtWriting({ home, path }, isRunning));
  });
  if (tail === undefined) return [writing];
  return [
    writing,
    link("alerts.json", async () => judgeReading(await lookAtReading(path, forwarder, snapshot?.log?.state))),
    link("checkpoint", async () => {
      const stored = await lookAtStored(stateDir);
      return judgeCheckpoint({ stateDir, stored, status: snapshot, nowMs: Date.now() });
    }),
    link("archives", async () => {
      const stored = await lookAtStored(stateDir);
      return judgeArchives(await lookAtArchives(await directoryOf(path), stored, snapshot !== undefined));
    }),
  ];
}

interface SocketSetting {
  readonly path: string;
  readonly group: string;
  readonly allow: readonly string[];
  readonly isTailOn: boolean;
}

function socketLinks(
  context: DoctorContext,
  { handlers, sources }: Config,
  { path, group, allow, isTailOn }: SocketSetting,
): Link[] {
  const { home, ossecConf, self, isRoot } = context;
  const customDfn = join(home, "integrations/custom-dfn");
  const alertsPath = sources.tail?.path ?? join(home, "logs/alerts/alerts.json");
  const wazuh = context.wazuh;
  const conf = ossecConf.kind === "read" ? ossecConf : undefined;
  const blocks = conf === undefined ? [] : blocksOf(conf.conf);
  const isCommentedOut = conf?.conf.comments.some((comment) => /<name>\s*custom-dfn\s*</.test(comment)) === true;
  const hasBlock = blocks.length > 0;
  // Without ossec.conf only the installer's record says so.
  const isKnown = conf !== undefined || context.integration.recorded !== undefined;
  if (isKnown && isBlockLeftOut({ ...context.integration, hasBlock, isCommentedOut, isTailOn })) {
    const left = [link("integration block", () => [leftOut])];
    if (wazuh === undefined) return left;
    return [
      ...left,
      link("socket", async () => judgeSocket(await lookAtSocket({ path, group, allow }, isTailOn, wazuh, self))),
    ];
  }
  const block = (): CheckResult[] =>
    judgeBlock({ home, blocks, isCommentedOut, socketPath: path, defaultSocketPath, isTailOn, handlers });
  const integratord = async (): Promise<CheckResult[]> => {
    const process = await daemon(home, "wazuh-integratord");
    const progress = process ? await progressOf(process.pid, alertsPath) : ({ kind: "unseen" } as const);
    const temporaryFiles = process ? await temporaryFilesOf(process.pid) : "unseen";
    const facts = { home, isTailOn, hasBlock, process, progress, temporaryFiles };
    return judgeIntegratord({ ...facts, confChangedAtMs: conf?.changedAtMs });
  };
  const found = conf === undefined ? [] : [link("integration block", block)];
  found.push(link("integratord", integratord));
  if (wazuh === undefined) return found;
  return [
    ...found,
    link("custom-dfn", async () => judgeCustomDfn(await lookAtCustomDfn(customDfn, wazuh))),
    link("socket", async () => judgeSocket(await lookAtSocket({ path, group, allow }, isTailOn, wazuh, self))),
    link("hand-over", async () => {
      const socketPath = toldSocket(blocks, path);
      const integratordPid = (await daemon(home, "wazuh-integratord"))?.pid;
      const isSafe = !isRoot || (await isRootsAlone(customDfn));
      const mayRun = isSafe && (await refusalFor(isRoot ? wazuh : self, customDfn, "execute")) === undefined;
      const setting = { path: customDfn, home, socketPath, isTailOn, isRoot, wazuh, self, mayRun, integratordPid };
      return judgeCustomDfnCall(await lookAtCustomDfnCall(setting));
    }),
  ];
}

/** The settings that integratord passes to custom-dfn; without a block, where the forwarder listens. */
function toldSocket([block]: readonly Block[], path: string): string {
  return block === undefined ? path : socketOf(block, defaultSocketPath);
}

function feedbackLinks({ home, forwarder, ossecConf }: DoctorContext, queue: QueueAddress): Link[] {
  const conf = ossecConf.kind === "read" ? ossecConf.conf : undefined;
  return [
    link("queue socket", async () =>
      queue.kind === "tcp"
        ? judgeRelay(await lookAtRelay(queue))
        : judgeQueue(await lookAtQueue(home, queue.path, forwarder)),
    ),
    link("rules", async () => {
      // The rules that count are those of the manager behind the relay, which may or may not be this one.
      if (queue.kind === "tcp") return [rulesBehind(queue)];
      const analysisd = await daemon(home, "wazuh-analysisd");
      const isWorker = conf !== undefined && settingOf(conf, "cluster", "node_type") === "worker";
      return judgeRules(await lookAtRules(home, conf, analysisd?.startedAtMs, isWorker));
    }),
  ];
}

function eventsLink({ home, ossecConf, snapshot }: DoctorContext, { handlers }: Config): Link {
  return link("events", async () => {
    const conf = ossecConf.kind === "read" ? ossecConf.conf : undefined;
    const analysisd = await daemon(home, "wazuh-analysisd");
    return judgeEvents({
      home,
      eventIds: handlers.windows?.eventIds,
      isFail2banOn: handlers.fail2ban !== undefined,
      ruleset: await lookAtRuleset(home, conf, analysisd?.startedAtMs),
      logAlertLevel: logAlertLevelOf(conf),
      isWorker: conf !== undefined && settingOf(conf, "cluster", "node_type") === "worker",
      events: snapshot?.events,
    });
  });
}

/** What `check` finds, as links of the chain. */
export function judgeConfiguration(path: string, problems: readonly Problem[]): CheckResult[] {
  if (problems.length === 0) return [ok(`${path} is valid`)];
  return problems.map((problem) => {
    const { severity } = problem;
    const remedy = `wazuh-dfn check --config ${path}  # fix what it names`;
    const text = problemLine(problem).replace(/^warning: /, "");
    return severity === "error" ? failed(text, remedy) : warning(text, remedy);
  });
}
