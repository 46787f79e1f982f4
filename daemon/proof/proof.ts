import type { Log } from "../telemetry/log.ts";
import { describe } from "../errors.ts";
import { LineAccount, type ReadTo } from "./account.ts";
import type { Addition } from "./addition-files.ts";
import { Additions } from "./additions.ts";
import { type Ahead, restoreAhead, saveAhead } from "./ahead.ts";
import { type ChainSetup, type Cut, ManifestChain } from "./chain.ts";
import { bareLine, type Contribution, type CountedRecord } from "./contribution.ts";
import { NameTable, type SavedContribution } from "./name-table.ts";
import { readSavedProof, type SavedProof, type Succeeds } from "./saved-proof.ts";
import { SettingsHistory } from "./settings-history.ts";
import { movedBecause } from "./speaker.ts";
import { ManifestSpool } from "./spool.ts";

/** A checkpoint is written about once a second; a manifest must not come late because of that. */
const checkpointMs = 1000;
/** More manifests than this that wait in files are of weeks without their topic, or of a topic that refuses them. */
const maxWaiting = 10_000;
/** Alerts of the socket that a checkpoint keeps until their lines come; the look-up finds those of the others. */
const maxAhead = 10_000;
/** Undecided records that a checkpoint has room for; more are sent in a second only where none can be written for long. */
const maxUndecided = 100_000;
/** A stretch of more visits than this is cut. */
const manyVisits = 500;

export interface ProofSetup extends ChainSetup {
  readonly stateDir: string;
  readonly log: Log;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/** What the checkpoint had. */
export interface LoadedProof {
  /** `fallback`: it is not the newest checkpoint. */
  readonly kind: "newest" | "fallback";
  /** Undefined for none. */
  readonly saved: unknown;
  /** What each line that was done beyond the position adds. */
  readonly parts: readonly unknown[];
}

/** A manifest of this node that is in the topic. */
export interface FoundManifest {
  readonly stream: string;
  readonly sequence: number;
  /** SHA-256 of its value, in hex. */
  readonly hash: string;
}

/** A manifest that waits for its topic. */
interface Waiting {
  readonly stream: string;
  readonly sequence: number;
  /** Undefined while it is in its file alone. */
  value: Buffer | undefined;
  /** The checkpoint on disk has it, or its file. */
  isStored: boolean;
  isSpooled: boolean;
  /** What it announces of what is sent again. */
  readonly additions: readonly Addition[];
}

/** What one writing of the checkpoint says of the account; all of it of one moment. */
export interface ProofSaving {
  /** What a line that is done beyond the position adds. */
  line(line: number): SavedContribution;
  /** The same for a line that was done before the last start and has not come by again. @param saved as it was read */
  formerLine(saved: unknown): SavedContribution;
  /** Everything else; to be asked for last, and before anything is waited for. */
  body(): SavedProof;
  /** The checkpoint is on disk. */
  stored(): void;
}

/**
 * Proof of completeness: counts the lines behind the position, cuts manifests, and keeps each one until it is in its topic.
 * What a manifest says and the position belong together, so both are saved by one writing of the checkpoint.
 */
export class Proof {
  readonly account: LineAccount;
  readonly #setup: ProofSetup;
  #chain: ManifestChain;
  readonly #spool: ManifestSpool;
  readonly #additions: Additions;
  /** Where the lines begin that this process's settings decide; undefined: where the first file is begun. */
  #begins: { readonly file: string | null; readonly offset: number } | undefined;
  #areSettingsKept = false;
  readonly #now: () => number;
  /** The oldest first. */
  #waiting: Waiting[] = [];
  /** Names in what an earlier process saved. */
  #formerNames = new NameTable();
  /** It is known whether the topic has more of this stream than this state. */
  #isDecided = false;
  #cutAt = Number.NEGATIVE_INFINITY;
  /** The next manifest is cut at once, and is the last one. */
  #isForced = false;
  #isOver = false;
  #isStopping = false;
  #changed: () => void = () => undefined;
  #ahead: () => readonly Ahead[] = () => [];
  #next: () => Record<string, number> = () => ({});
  /** What the socket had brought, and the log had not, when the checkpoint was written. */
  formerAhead: readonly Ahead[] = [];
  /**
   * Records of an earlier process that may be in no manifest, by digest: sent after its last checkpoint (undefined), or on
   * account of a line that has to come by again. What becomes known is taken out; each checkpoint has the rest.
   */
  readonly undecided = new Map<string, CountedRecord | undefined>();
  /** Of the checkpoint. */
  formerNext: Readonly<Record<string, number>> = {};

  constructor(setup: ProofSetup) {
    this.#setup = setup;
    this.#now = setup.now ?? (() => performance.now());
    this.#spool = new ManifestSpool(setup.stateDir);
    this.#additions = new Additions(setup.stateDir, setup.log);
    this.#chain = new ManifestChain(setup, undefined);
    this.account = new LineAccount((name) => this.#chain.use(name));
  }

  /** Goes on from what the checkpoint has; to be called once, before a line is read. */
  async resume({ kind, saved, parts }: LoadedProof): Promise<void> {
    const setup = this.#setup;
    const found = saved === undefined ? undefined : readSavedProof(saved);
    this.#chain = new ManifestChain(setup, found?.chain);
    this.#formerNames = new NameTable(found?.names);
    const isWhole = found !== undefined && this.account.restore(found, this.#formerNames);
    this.formerAhead = isWhole ? restoreAhead(found.ahead, this.#formerNames) : [];
    this.formerNext = isWhole ? (found.next ?? {}) : {};
    for (const { contribution } of this.formerAhead) this.#expectLine(contribution);
    for (const part of isWhole ? parts : []) this.#expectLine(this.#formerNames.restore(part));
    for (const digest of (isWhole ? found.undecided : undefined) ?? []) {
      const text = Buffer.from(digest, "base64").toString("latin1");
      this.undecided.set(text, this.undecided.get(text));
    }
    for (const { stream, sequence, value } of found?.chain.cuts ?? []) {
      this.#waiting.push({
        stream,
        sequence,
        value: Buffer.from(value),
        isStored: true,
        isSpooled: false,
        additions: [],
      });
    }
    if (saved !== undefined && !isWhole) {
      const what = "what the checkpoint says of manifests cannot be used; a new stream of manifests begins";
      setup.log.error({ code: "manifest-state-lost" }, what);
      if (found !== undefined) this.#chain.startOver("lost");
    }
    if (found !== undefined) {
      await this.#findSpooled(found.chain.stream);
      this.#additions.restore(found.additions.open, found.additions.closed);
    }
    await this.#additions.scan();
    if (found === undefined || !isWhole) return;
    const end = found.visits.at(-1);
    if (end !== undefined) this.#begins = { file: end.file, offset: end.to };
    const reason = kind === "fallback" ? "fallback" : movedBecause(found.chain.place, setup.place());
    if (reason !== undefined) this.#startOver(reason);
  }

  get stream(): string {
    return this.#chain.stream;
  }

  /** Number of the last manifest that was cut; 0 before the first. */
  get sequence(): number {
    return this.#chain.sequence;
  }

  /** Who speaks in the next manifest. */
  get node(): string {
    return this.#chain.node;
  }

  /** Manifests that are cut and not in the topic. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Called when there may be another manifest to send. */
  onChange(listener: () => void): void {
    this.#changed = listener;
  }

  /** Sets who knows the socket's alerts that the log has not brought, and how far the sink's partitions are known. */
  askAt(ahead: () => readonly Ahead[], next: () => Record<string, number>): void {
    this.#ahead = ahead;
    this.#next = next;
  }

  /** Finds out which manifests wait in files. */
  async #findSpooled(last: string): Promise<void> {
    const streams = new Set([...this.#waiting.map(({ stream }) => stream), last]);
    const spooled: Waiting[] = [];
    for (const stream of streams) {
      for (const { sequence } of await this.#spool.list(stream)) {
        if (this.#waiting.some((one) => one.stream === stream && one.sequence === sequence)) continue;
        spooled.push({ stream, sequence, value: undefined, isStored: true, isSpooled: true, additions: [] });
      }
    }
    this.#waiting = [...spooled, ...this.#waiting];
  }

  /**
   * Says what the topic has of this node's manifests, which decides whether this state may go on with its stream. Nothing is
   * cut before.
   * @param found undefined if it cannot be read
   */
  decide(found: readonly FoundManifest[] | undefined): void {
    if (this.#isDecided) return;
    const own = (found ?? []).filter(({ stream }) => stream === this.#chain.stream);
    if (own.some(({ sequence }) => sequence > this.#chain.sequence)) this.#startOver("restored");
    const last = found?.at(-1);
    if (this.#chain.sequence === 0 && !this.#chain.isSuccessor && last !== undefined)
      this.#chain.startOver("lost", last);
    this.#isDecided = true;
    this.#changed();
  }

  /** The next checkpoint has a manifest, the last one of this process. @param isStopping the forwarder stops on purpose */
  async cutLast(isStopping: boolean): Promise<void> {
    await this.#additions.scan();
    this.#isForced = true;
    this.#isStopping = isStopping;
  }

  /** @param at the position; undefined if nothing is read yet */
  save(at: ReadTo | undefined): ProofSaving {
    if (this.#isDue) this.#cut(at);
    else if (this.account.isOverfull) this.#giveUp(at);
    void this.#additions.scan();
    const table = new NameTable();
    const cuts = this.#waiting.filter(({ isSpooled }) => !isSpooled);
    return {
      line: (line) => this.account.saveLine(line, table),
      formerLine: (saved) => table.save(this.#formerNames.restore(saved) ?? bareLine),
      body: () => {
        const chain = this.#chain.save(
          cuts.map(({ stream, sequence, value }) => ({ stream, sequence, value: value ?? Buffer.alloc(0) })),
          this.account.openFrom(Date.now()),
        );
        const account = this.account.save(at, table);
        const ahead = saveAhead([...this.#ahead(), ...this.#unsettledAhead].slice(0, maxAhead), table);
        const additions = { open: [...this.#additions.open], closed: [...this.#additions.closed] };
        const undecided = [...this.undecided.keys()]
          .slice(0, maxUndecided)
          .map((digest) => Buffer.from(digest, "latin1").toString("base64"));
        const next = this.#next();
        return { version: 1, chain, names: table.names, next, undecided, ...account, additions, ahead };
      },
      stored: () => {
        if (!this.#areSettingsKept && at !== undefined) void this.#keepSettings(at);
        for (const cut of cuts) {
          if (!cut.isStored && cut.additions.length > 0) void this.#additions.stored(cut.additions);
          cut.isStored = true;
        }
        if (cuts.length > 0) this.#changed();
      },
    };
  }

  /** A line comes by again that had its outcome before the last start. @param line its number; -1 if it is behind the position at once */
  restoreLine(line: number, saved: unknown): void {
    const contribution = this.#formerNames.restore(saved) ?? bareLine;
    for (const { digest } of contribution.records) this.undecided.delete(digest);
    if (line >= 0) this.account.restoreLine(line, contribution);
    else this.account.addPassed(contribution);
  }

  /** The oldest manifest that is to be sent, once it is on disk; undefined if there is none. */
  get head(): Pick<Cut, "stream" | "sequence"> | undefined {
    const [first] = this.#waiting;
    return first?.isStored === true ? first : undefined;
  }

  /**
   * The bytes of `head`.
   * @throws a system error if its file cannot be read
   */
  async headValue(): Promise<Buffer> {
    const [first] = this.#waiting;
    if (first === undefined) throw new Error("no manifest waits");
    return first.value ?? (await this.#spool.read(first));
  }

  /** `head` is in the topic, or can never be. */
  async done(of: Pick<Cut, "stream" | "sequence">): Promise<void> {
    this.#chain.acknowledged(of);
    const [first] = this.#waiting;
    if (first === undefined || first.stream !== of.stream || first.sequence !== of.sequence) return;
    this.#waiting.shift();
    if (first.isSpooled) await this.#spool.remove(first);
  }

  get #isDue(): boolean {
    if (!this.#isDecided || this.#isOver) return false;
    if (this.#isForced) return true;
    const isFull = this.account.isFull || this.account.visits.count > manyVisits;
    if (this.#waiting.length > 0) {
      // While the topic is away the stretch grows; each manifest but the newest one is in a file before the next is cut.
      const areKept = this.#waiting.every(
        ({ isSpooled, isStored }, at) => isSpooled || (isStored && at >= this.#waiting.length - 1),
      );
      return isFull && areKept && this.#waiting.length < maxWaiting;
    }
    const isTime = this.#now() - this.#cutAt + checkpointMs >= this.#setup.intervalMs;
    return isFull || isTime || this.#additions.due.length > 0;
  }

  #cut(at: ReadTo | undefined): void {
    const { account } = this;
    for (const one of this.#waiting) if (!one.isSpooled && one.isStored) void this.#moveToFile(one);
    const additions = this.#additions.due;
    const stretch = {
      visits: account.visits.upTo(at),
      open_from: account.openFrom(Date.now()),
      ...account.content,
      additions: [...additions],
      ...(this.#isStopping && { stopping: true as const }),
    };
    const cut = this.#chain.cut(stretch, Date.now());
    account.cut(at);
    this.#additions.cut(additions);
    this.#waiting.push({ ...cut, isStored: false, isSpooled: false, additions });
    this.#cutAt = this.#now();
    this.#isOver = this.#isForced;
    if (this.#chain.isKeyUnannounced) {
      const what = "manifests are signed with a key that no manifest has announced; the other side will ask about it";
      this.#setup.log.warn({ code: "manifest-key-unannounced" }, what);
    }
  }

  /**
   * Nothing can be cut: there are as many manifests as files may be, or neither file nor checkpoint can be written. What was
   * counted is given up, and a new stream says so.
   */
  #giveUp(at: ReadTo | undefined): void {
    this.account.cut(at);
    this.#startOver("lost");
    const what = "manifests cannot be kept any more; what they had to say of the last records is given up";
    this.#setup.log.error({ code: "manifest-account-given-up" }, what);
  }

  /** An audit of these lines judges them by these settings. */
  async #keepSettings(at: ReadTo): Promise<void> {
    this.#areSettingsKept = true;
    const { config: hash, settings, stateDir, log } = this.#setup;
    const first = this.account.visits.upTo(at)[0];
    const { file, offset } = this.#begins ?? { file: first?.file ?? null, offset: first?.from ?? 0 };
    try {
      await new SettingsHistory(stateDir).note({ hash, since: new Date().toISOString(), file, offset }, settings);
    } catch (reason) {
      const what = "the settings cannot be kept; a later audit judges these lines by the settings of its time";
      log.warn({ code: "settings-not-kept", reason: describe(reason) }, what);
    }
  }

  /** What was ahead at the last start and has not been taken over, nor found: this process may be killed before it is. */
  get #unsettledAhead(): readonly Ahead[] {
    if (this.undecided.size === 0) return [];
    const isUnsettled = ({ records }: Contribution): boolean =>
      records.some(({ digest }) => this.undecided.has(digest));
    return this.formerAhead.filter(({ contribution }) => isUnsettled(contribution));
  }

  #expectLine(contribution: Contribution | undefined): void {
    for (const record of contribution?.records ?? []) this.undecided.set(record.digest, record);
  }

  async #moveToFile(one: Waiting): Promise<void> {
    const { stream, sequence, value } = one;
    if (value === undefined) return;
    try {
      await this.#spool.write({ stream, sequence, value });
      one.isSpooled = true;
      one.value = undefined;
    } catch (reason) {
      const what = "a manifest that waits for its topic cannot be put into a file; the checkpoint keeps it";
      this.#setup.log.warn({ code: "manifest-not-spooled", reason: describe(reason) }, what);
    }
  }

  #startOver(reason: Succeeds["reason"]): void {
    const { stream } = this.#chain;
    this.#chain.startOver(reason);
    this.#setup.log.warn(
      { code: "manifest-stream-begun", reason, former: stream, stream: this.#chain.stream },
      "a new stream of manifests begins, because this state is not the newest of its stream or not of this machine",
    );
  }
}
