import { describe } from "../../daemon/errors.ts";
import { eventually } from "../rig/eventually.ts";
import { missingAfterMs, TooSlow, type Fault } from "./fault.ts";
import type { TestBed } from "./test-bed.ts";
import { bounds, judge, type Verdict } from "./judge.ts";
import { repair } from "./repair.ts";
import { Environment } from "./environment.ts";
import { verified, type Verified } from "./verified.ts";
import type { ManifestVerdict } from "./manifest-referee.ts";
import { readTopic } from "../rig/read-topic.ts";
import { DeadLetterCleaner } from "./dead-letter-cleaner.ts";

/** How one fault went. */
export interface FaultResult {
  readonly name: string;
  /** Alerts written while it lasted, and the relevant ones among them. */
  readonly written: number;
  readonly relevant: number;
  readonly lastedMs: number;
  /** From its end until the broker took an alert written after it; undefined: none came. */
  readonly recoveryMs: number | undefined;
  /** Peak memory of the forwarder meanwhile. */
  readonly rssMiB: number;
  /** Records sent twice, by the time at which the copy was appended. */
  readonly copies: number;
  readonly broken: readonly string[];
  /** Limits on time that were missed. */
  readonly slow: readonly string[];
}

/** A fault alone, or a mixture. */
export interface Run {
  readonly results: readonly FaultResult[];
  readonly verdict: Verdict;
  /** What the manifests said, compared with the topic. */
  readonly manifests: ManifestVerdict;
  /** What `wazuh-dfn verify` said; undefined for a fault alone. */
  readonly verified: Verified | undefined;
}

export interface Conditions {
  readonly seed: number;
  /** The minimum number of alerts that are written. */
  readonly alerts: number;
  /** Alerts a second. */
  readonly rate: number;
  /** Where the forwarder's log is kept. */
  readonly logFile?: string;
}

const warmUpMs = 500;
const stopsAfterMs = 150_000;
const filesFreeWithinMs = 120_000;
/** Allowance for connections to brokers on which nothing has been sent yet, and the like. */
const moreDescriptors = 12;

interface Window {
  readonly fault: Fault;
  readonly fromMs: number;
}

/** Faults one after the other in one environment; the alerts are spread evenly over them. */
export async function runFaults(
  testBed: TestBed,
  faults: readonly Fault[],
  { seed, alerts, rate, logFile }: Conditions,
  progress: (line: string) => void,
): Promise<Run> {
  await using environment = await Environment.create(testBed, seed, rate, logFile);
  const results: FaultResult[] = [];
  const windows: Window[] = [];
  const broken: string[] = [];
  const keeper = new DeadLetterCleaner();
  await environment.pass(warmUpMs);
  await environment.settled();
  const descriptors = environment.forwarder.descriptors;
  for (const [index, fault] of faults.entries()) {
    windows.push({ fault, fromMs: Date.now() });
    const result = await pass(environment, fault);
    results.push(result);
    progress(`${index + 1}/${faults.length} ${line(result)}`);
    // What may come twice must come before the next fault begins, or it would count as that one's.
    if (fault.copies === true) await environment.settled().catch((reason: unknown) => broken.push(describe(reason)));
    await keeper.look(environment).catch((reason: unknown) => broken.push(describe(reason)));
    const due = ((index + 1) / faults.length) * alerts;
    await eventually("the alerts of this fault", () => environment.ledger.written >= due, { withinMs: 3_600_000 });
  }
  await environment.settled(stopsAfterMs).catch((reason: unknown) => broken.push(describe(reason)));
  environment.load.perSecond = 0;
  broken.push(...(await leaks(environment, descriptors)));
  await environment.decided().catch((reason: unknown) => broken.push(describe(reason)));
  await environment.forwarder.stop().catch((reason: unknown) => broken.push(describe(reason)));
  const mayCopy = (appendedMs: number): boolean => windowAt(windows, appendedMs)?.fault.copies === true;
  const verdict = judge(environment, {}, mayCopy, keeper.seen);
  const written = await readTopic(testBed.kafka.addresses, environment.manifestTopic);
  const values = written.map(({ value }) => value ?? Buffer.alloc(0));
  const manifests = environment.manifestReferee.judge(values, environment.manifestKey, mayCopy);
  // Each fault by itself has the referee; a command for each would take longer than they do.
  const byVerify = faults.length > 1 ? await verified(environment, faults) : undefined;
  const counted = results.map((result, index): FaultResult => {
    const copies = environment.referee.copies.filter(
      ({ appendedMs }) => windowAt(windows, appendedMs) === windows[index],
    );
    return { ...result, copies: copies.length };
  });
  return {
    results: counted,
    verdict: {
      ...verdict,
      broken: [...broken, ...verdict.broken, ...manifests.broken, ...(byVerify?.broken ?? [])],
    },
    manifests,
    verified: byVerify,
  };
}

/** What is open at the end and should not be. */
async function leaks({ forwarder }: Environment, before: readonly string[]): Promise<string[]> {
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
async function pass(environment: Environment, fault: Fault): Promise<FaultResult> {
  const { ledger } = environment;
  const before = { written: ledger.written, relevant: ledger.relevant };
  const broken: string[] = [];
  const slow: string[] = [];
  const startedMs = performance.now();
  environment.forwarder.forgetPeak();
  try {
    const process = fault.keepsProcess === true ? environment.forwarder.program : undefined;
    await fault.run(environment);
    if (process !== undefined && environment.forwarder.program !== process)
      broken.push("it must not end the forwarder's process");
  } catch (reason) {
    (reason instanceof TooSlow ? slow : broken).push(describe(reason));
    await repair(environment);
  }
  const lastedMs = Math.round(performance.now() - startedMs);
  const recoveryMs = await environment.arrival(missingAfterMs).catch((reason: unknown) => {
    broken.push(describe(reason));
    return undefined;
  });
  if (recoveryMs === undefined) await repair(environment);
  else if (recoveryMs > bounds.recoveryMs && fault.slowRecovery === undefined) {
    slow.push(`${recoveryMs} ms to recover`);
  }
  const written = ledger.written - before.written;
  const relevant = ledger.relevant - before.relevant;
  const rssMiB = Math.round(environment.forwarder.looked.recentRssBytes / 1_048_576);
  return { name: fault.name, written, relevant, lastedMs, recoveryMs, rssMiB, copies: 0, broken, slow };
}

/** The fault during which something happened: until the next one begins. */
function windowAt(windows: readonly Window[], atMs: number): Window | undefined {
  return windows.findLast(({ fromMs }) => fromMs <= atMs);
}

function line({ name, lastedMs, recoveryMs, rssMiB, broken, slow }: FaultResult): string {
  const faults = [...broken, ...slow];
  const what = faults.length === 0 ? "" : ` BROKEN ${faults.join(" | ").slice(0, 300)}`;
  return `${name}: ${lastedMs} ms, recovered in ${recoveryMs ?? "-"} ms, ${rssMiB} MiB${what}`;
}
