import type { Config } from "../config/schema.ts";
import type { PushSourceName, SourceLocation } from "../contract.ts";
import { describe } from "../errors.ts";
import type { SocketIntake } from "../sources/socket/connection.ts";
import { peerPolicy, type PeerPolicy } from "../sources/socket/peers.ts";
import { affordableConnections, SocketSource } from "../sources/socket/socket-source.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../status/metrics.ts";
import type { SocketWatch } from "../telemetry/socket-watch.ts";
import type { Core } from "./core.ts";

/** A source that pushes, from its start to its stop. */
export interface PushSource extends AsyncDisposable {
  /** Takes no more alerts; those that were taken still get their answers. */
  drain(): void;
  /** Shows clients whether the tail brings what they cannot deliver here. Rejects with the system's error. */
  announceTail(isOn: boolean): Promise<void>;
}

interface PushSetup {
  readonly config: Config;
  readonly core: Core;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly socketWatch: SocketWatch;
}

/** How the forwarder treats one source that pushes; its settings are below `sources`, under the same name. */
interface PushDefinition {
  /** Files that it makes: whoever the forwarder becomes must own their directories. */
  writtenFiles(config: Config): readonly string[];
  /**
   * Takes alerts from now on. Only called when its settings switch it on.
   * @returns undefined if it cannot work and the tail brings every alert
   * @throws DfnError when it cannot be opened
   */
  open(setup: PushSetup): Promise<PushSource | undefined>;
}

const definitions: Readonly<Record<PushSourceName, PushDefinition>> = {
  socket: {
    writtenFiles: ({ sources: { socket } }) => (socket === undefined ? [] : [socket.path]),
    open: openSocket,
  },
};

/** The sources that push and are switched on. */
function switchedOn({ sources }: Config): PushDefinition[] {
  const settings: Readonly<Record<PushSourceName, unknown> & Record<string, unknown>> = sources;
  return Object.entries(definitions).flatMap(([name, definition]) =>
    settings[name] === undefined ? [] : [definition],
  );
}

/** Whether any source pushes: else every alert comes once, and nothing is paired. */
export function hasPushSource(config: Config): boolean {
  return switchedOn(config).length > 0;
}

/** Files that the sources make which are switched on and push. */
export function filesOfPushSources(config: Config): string[] {
  return switchedOn(config).flatMap((definition) => definition.writtenFiles(config));
}

/**
 * Opens the sources that push and are switched on, one after the other.
 * @throws DfnError when one cannot be opened; those that were yielded before are open then
 */
export async function* openPushSources(setup: PushSetup): AsyncGenerator<PushSource, void, void> {
  for (const definition of switchedOn(setup.config)) {
    const source = await definition.open(setup);
    if (source !== undefined) yield source;
  }
}

const placeOf = (length: number): SourceLocation => ({ file: "socket", offset: 0, length });
/** Nobody waits for what becomes of an over-long line: the socket has answered. */
const nobody = { settled: () => undefined };
/** Part of the byte budget that unfinished lines of socket clients may fill. */
const partialShare = 0.25;

/** With the tail on, nothing is lost without a socket that cannot judge its clients. */
async function openSocket({ config, core, log, metrics, socketWatch }: PushSetup): Promise<PushSource | undefined> {
  const { socket: settings, tail } = config.sources;
  if (settings === undefined) throw new Error("the socket is off");
  const { pipeline, budget } = core;
  const isAlone = tail === undefined;
  let peers: PeerPolicy;
  try {
    peers = peerPolicy(settings.allow, config.wazuh.home, log);
  } catch (reason) {
    if (isAlone) throw reason;
    log.error(
      { code: "socket-not-opened", reason: describe(reason) },
      "the socket is not opened; every alert comes by the tail",
    );
    return undefined;
  }
  const intake: SocketIntake = {
    answersAfterOutcome: isAlone,
    offer: (bytes, settled) =>
      pipeline.offer({ source: "socket", bytes, place: placeOf(bytes.length), owner: { settled } }),
    overLong: (head, length) => pipeline.damaged("socket", "over-long", placeOf(length), head, nobody),
    room: () => (isAlone ? budget.room() : undefined),
  };
  const source = new SocketSource(
    {
      ...settings,
      peers,
      answered: (status) => metrics.socketAnswered(status),
      clients: (more) => metrics.socketClients(more),
      refused: (peer) => socketWatch.refused(peer, settings.path, log),
      maxConnections: await affordableConnections(settings.maxConnections),
      maxPartialBytes: Math.max(budget.limitBytes * partialShare, settings.maxLineBytes),
    },
    intake,
    log,
  );
  await source.listen();
  return source;
}
