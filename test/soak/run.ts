import { describe } from "../../daemon/errors.ts";
import { eventually } from "../rig/eventually.ts";
import { missingAfterMs, TooSlow, type Fault } from "./fault.ts";
import type { Ground } from "./ground.ts";
import { bounds, judge, type Verdict } from "./judge.ts";
import { mend } from "./mend.ts";
import { Stage } from "./stage.ts";
import { StoreKeeper } from "./store-keeper.ts";

/** How one fault went. */
export interface Passage {
  readonly name: string;
  /** Alerts written while it lasted, and the relevant ones among them. */
  readonly written: number;
  readonly relevant: number;
  readonly lastedMs: number;
  /** From its end to the broker's taking an alert written after it; undefined: none came. */
  readonly recoveryMs: number | undefined;
  /** Most memory that the forwarder held meanwhile. */
  readonly rssMiB: number;
  /** Records sent twice, by the time at which the copy was appended. */
  readonly copies: number;
  readonly broken: readonly string[];
  /** Bounds on time that were missed. */
  readonly slow: readonly string[];
}

/** A fault alone, or a mixture. */
export interface Run {
  readonly passages: readonly Passage[];
  readonly verdict: Verdict;
}

export interface Conditions {
  readonly seed: number;
  /** How many are written at least. */
  readonly alerts: number;
  /** Alerts a second. */
  readonly rate: number;
  /** Where the forwarder's log is kept. */
  readonly logFile?: string;
}

const warmUpMs = 500;
const stopsAfterMs = 150_000;
const filesFreeWithinMs = 120_000;
/** Connections to brokers that nothing had been sent to yet, and the like. */
const moreDescriptors = 12;

interface Window {
  readonly fault: Fault;
  readonly fromMs: number;
}

/** Faults one after the other on one stage; the alerts are spread evenly over them. */
export async function play(
  ground: Ground,
  faults: readonly Fault[],
  { seed, alerts, rate, logFile }: Conditions,
  progress: (line: string) => void,
): Promise<Run> {
  await using stage = await Stage.create(ground, seed, rate, logFile);
  const passages: Passage[] = [];
  const windows: Window[] = [];
  const broken: string[] = [];
  const keeper = new StoreKeeper();
  await stage.pass(warmUpMs);
  await stage.settled();
  const descriptors = stage.forwarder.descriptors;
  for (const [index, fault] of faults.entries()) {
    windows.push({ fault, fromMs: Date.now() });
    const passage = await pass(stage, fault);
    passages.push(passage);
    progress(`${index + 1}/${faults.length} ${line(passage)}`);
    // What may come twice is to come before the next fault begins, or it would count as that one's.
    if (fault.copies === true) await stage.settled().catch((reason: unknown) => broken.push(describe(reason)));
    await keeper.look(stage).catch((reason: unknown) => broken.push(describe(reason)));
    const due = ((index + 1) / faults.length) * alerts;
    await eventually("the alerts of this fault", () => stage.ledger.written >= due, { withinMs: 3_600_000 });
  }
  await stage.settled(stopsAfterMs).catch((reason: unknown) => broken.push(describe(reason)));
  stage.load.perSecond = 0;
  broken.push(...(await leaks(stage, descriptors)));
  await stage.forwarder.stop().catch((reason: unknown) => broken.push(describe(reason)));
  const mayCopy = (appendedMs: number): boolean => windowAt(windows, appendedMs)?.fault.copies === true;
  const verdict = judge(stage, {}, mayCopy, keeper.seen);
  const counted = passages.map((passage, index): Passage => {
    const copies = stage.referee.copies.filter(({ appendedMs }) => windowAt(windows, appendedMs) === windows[index]);
    return { ...passage, copies: copies.length };
  });
  return { passages: counted, verdict: { ...verdict, broken: [...broken, ...verdict.broken] } };
}

/** What is open at the end and should not be. */
async function leaks({ forwarder }: Stage, before: readonly string[]): Promise<string[]> {
  let now: readonly string[] = [];
  const isFine = (): boolean => {
    now = forwarder.descriptors;
    return now.length <= before.length + moreDescriptors && !now.some((target) => target.endsWith("(deleted)"));
  };
  const found = eventually("as many open files as at first, and no deleted one", isFine, {
    withinMs: filesFreeWithinMs,
  });
  return found.then(
    () => [],
    () => [
      `${now.length} open files, ${before.length} at first: ${now.filter((to) => !before.includes(to)).join(" ")}`,
    ],
  );
}

/** Lets a fault happen and measures the recovery. */
async function pass(stage: Stage, fault: Fault): Promise<Passage> {
  const { ledger } = stage;
  const before = { written: ledger.written, relevant: ledger.relevant };
  const broken: string[] = [];
  const slow: string[] = [];
  const startedMs = performance.now();
  stage.forwarder.forgetPeak();
  try {
    await fault.run(stage);
  } catch (reason) {
    (reason instanceof TooSlow ? slow : broken).push(describe(reason));
    await mend(stage);
  }
  const lastedMs = Math.round(performance.now() - startedMs);
  const recoveryMs = await stage.arrival(missingAfterMs).catch((reason: unknown) => {
    broken.push(describe(reason));
    return undefined;
  });
  if (recoveryMs === undefined) await mend(stage);
  else if (recoveryMs > bounds.recoveryMs && fault.slowRecovery === undefined) {
    slow.push(`${recoveryMs} ms to recover`);
  }
  const written = ledger.written - before.written;
  const relevant = ledger.relevant - before.relevant;
  const rssMiB = Math.round(stage.forwarder.looked.recentRssBytes / 1_048_576);
  return { name: fault.name, written, relevant, lastedMs, recoveryMs, rssMiB, copies: 0, broken, slow };
}

/** The fault in whose time something happened: until the next one begins. */
function windowAt(windows: readonly Window[], atMs: number): Window | undefined {
  return windows.findLast(({ fromMs }) => fromMs <= atMs);
}

function line({ name, lastedMs, recoveryMs, rssMiB, broken, slow }: Passage): string {
  const faults = [...broken, ...slow];
  const what = faults.length === 0 ? "" : ` BROKEN ${faults.join(" | ").slice(0, 300)}`;
  return `${name}: ${lastedMs} ms, recovered in ${recoveryMs ?? "-"} ms, ${rssMiB} MiB${what}`;
}
