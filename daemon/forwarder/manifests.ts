import { hash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { readSigningKeys } from "../config/manifest-keys.ts";
import { printedSettings, type Config } from "../config/schema.ts";
import type { Lookup, OffsetsByPartition, Sink } from "../contract.ts";
import type { SinkOffsets } from "../delivery/sink-offsets.ts";
import { canonicalJson } from "../manifest/canonical-json.ts";
import { foundManifests } from "../proof/found-manifests.ts";
import { type LoadedProof, Proof } from "../proof/proof.ts";
import type { ManifestStatus } from "../proof/status.ts";
import { placeOf } from "../proof/speaker.ts";
import { sinkDefinition } from "../sink-kinds/registry.ts";
import type { Log } from "../telemetry/log.ts";
import { ManifestPublisher } from "./manifest-publisher.ts";

/** How often it is asked again while the topic cannot be read because it is not there. */
const askAgainMs = 5000;
/** If the topic has not answered by then, this state counts as the newest one: what is counted must be cut at some time. */
const decideWithinMs = 60_000;
/** A manifest that waits for longer is a reason for being degraded. */
const lateMs = 30_000;

interface ManifestParts {
  readonly config: Config;
  readonly sink: Sink;
  readonly offsets: SinkOffsets;
  readonly node: string;
  /** Of the program. */
  readonly version: string;
  readonly log: Log;
}

/** Manifests of the running forwarder: their account, their chain and their way into the topic. */
export class Manifests {
  readonly proof: Proof;
  readonly #topic: string;
  readonly #parts: ManifestParts;
  readonly #publisher: ManifestPublisher;

  /**
   * @param topic `manifest.topic`
   * @throws DfnError CONFIG for a key that cannot be used
   */
  constructor(topic: string, parts: ManifestParts) {
    const { config, sink, offsets, node, version, log } = parts;
    this.#topic = topic;
    this.#parts = parts;
    this.proof = new Proof({
      node,
      place: () => placeOf(config.stateDir),
      keys: readSigningKeys(config.manifest?.keyFile),
      intervalMs: config.manifest?.intervalMs ?? 60_000,
      software: `wazuh-dfn ${version}`,
      settings: decidingSettings(config),
      config: hash("sha256", canonicalJson(decidingSettings(config)), "hex"),
      stateDir: config.stateDir,
      log,
    });
    const limits = sinkDefinition(config.sink).batchLimits(config.sink);
    this.#publisher = new ManifestPublisher({ proof: this.proof, sink, limits, topic, offsets, log });
  }

  /** @param undecided as `ShipmentAccount.undecided` */
  status(undecided: number | undefined): ManifestStatus {
    const { stream, sequence, waiting } = this.proof;
    return { topic: this.#topic, stream, sequence, waiting, isLate: this.#publisher.waitingMs > lateMs, undecided };
  }

  /** Goes on from what the checkpoint had; before a line is read. */
  resume(loaded: LoadedProof): Promise<void> {
    return this.proof.resume(loaded);
  }

  /**
   * Finds out what the topic has of this node's stream; from then on manifests are cut. Alerts do not wait for it.
   * @param since as the checkpoint had them
   */
  async start(since: OffsetsByPartition, stop: AbortSignal): Promise<void> {
    try {
      const late = setTimeout(() => this.proof.decide(undefined), decideWithinMs);
      stop.addEventListener("abort", () => clearTimeout(late), { once: true });
      const lookup = await this.#lookUp(since);
      clearTimeout(late);
      this.#parts.offsets.seed(lookup.next);
      this.proof.decide(foundManifests(lookup));
      for (let { next } = lookup; Object.keys(next).length === 0;) {
        // The next start finds where to look even if the topic is created later.
        await pause(askAgainMs, undefined, { signal: stop });
        ({ next } = await this.#parts.sink.lookup([this.#topic], {}));
        this.#parts.offsets.seed(next);
      }
    } catch {
      // The sink was closed: nothing is cut any more.
    }
  }

  /** The next checkpoint has a manifest of what is done. @param isStopping the forwarder stops on purpose */
  finish(isStopping: boolean): Promise<void> {
    return this.proof.cutLast(isStopping);
  }

  /** Resolves when no manifest that is on disk waits. */
  idle(): Promise<void> {
    return this.#publisher.idle();
  }

  dispose(): void {
    this.#publisher.dispose();
  }

  async #lookUp(since: OffsetsByPartition): Promise<Lookup> {
    const { sink, node, config } = this.#parts;
    const { searchedBack } = sinkDefinition(config.sink);
    const own = Object.fromEntries(Object.entries(since).filter(([name]) => name.startsWith(`${this.#topic}/`)));
    const nodes = new Set([node, this.proof.node]);
    if (this.proof.sequence > 0 && Object.keys(own).length > 0) return sink.lookup([this.#topic], own, nodes, "values");
    const { next } = await sink.lookup([this.#topic], {});
    const from = Object.entries(next).map(([name, offset]) => [name, Math.max(0, offset - searchedBack)] as const);
    return sink.lookup([this.#topic], Object.fromEntries(from), nodes, "values");
  }
}

/** The settings that decide which records are made, and of what. */
function decidingSettings(config: Config): object {
  const { dfn, handlers } = printedSettings(config);
  return { dfn, handlers };
}
