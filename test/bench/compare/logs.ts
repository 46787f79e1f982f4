import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Alert } from "../../../daemon/alert/alert.ts";
import { NotJson } from "../../../daemon/alert/json.ts";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { mutate } from "../../fuzz/mutator.ts";
import { alerts, alertWords, hostileJson } from "../../fuzz/seeds.ts";
import { present } from "../../rig/present.ts";
import { seededRandom } from "../../rig/random.ts";
import { BenchAlerts, writeLines, type AlertMix } from "../alerts.ts";
import type { Stage } from "../stage.ts";

/** A log that both builds ship, and with which handlers. */
export interface ComparedLog {
  readonly name: string;
  readonly path: string;
  /** All handlers, or only the one that its row of the figures has. */
  readonly handlers: "all" | "windows" | "passthrough";
  readonly ownNetwork?: string;
}

/** An alert that every handler but fail2ban's wants, as the last line: its record is the last one of each topic. */
export const lastAlertId = "1999999999.1";
const lastAlert =
  `{"timestamp":"2033-05-18T03:33:19.000+0000","id":"${lastAlertId}","rule":{"level":15,"id":"1"},` +
  `"agent":{"id":"000","name":"last"},"manager":{"name":"last"},"data":{"win":{"system":{"eventID":"4625"}}}}\n`;

const newline = Buffer.from("\n");
const mutations = 60_000;
/** One in this many of the mutations that are not an alert is taken: nine in ten are not. */
const brokenEvery = 8;

interface GoldenCase {
  readonly own_network: string | null;
  readonly alert: unknown;
}

/** The alerts of rows c, d and e, the golden cases, and the corpus of the fuzz tests with mutations of all of these. */
export function comparedLogs(stage: Stage): readonly ComparedLog[] {
  return [
    benchLog(stage, "bench, passthrough", "passthrough", 200_000, { relevantEvery: 10, lineBytes: 2000 }),
    benchLog(stage, "bench, all relevant", "windows", 150_000, { relevantEvery: 1 }),
    benchLog(stage, "bench, 1 in 10 relevant", "windows", 400_000, { relevantEvery: 10 }),
    ...goldenLogs(stage),
    fuzzLog(stage),
  ];
}

function benchLog(
  stage: Stage,
  name: string,
  handlers: ComparedLog["handlers"],
  lines: number,
  mix: AlertMix,
): ComparedLog {
  const path = stage.path("alerts.json");
  const made = new BenchAlerts(mix);
  let left = Math.ceil(lines * stage.scale);
  const next = (): string => (left-- > 0 ? made.next() : lastAlert);
  writeLines(path, next, { lines: left + 1 });
  return { name, path, handlers };
}

/** One for each network that the cases have as their own, and each alert also with every other character escaped. */
function goldenLogs(stage: Stage): ComparedLog[] {
  const cases = goldenCases();
  return [...new Set(cases.map((one) => one.own_network))].map((network) => {
    const lines = cases
      .filter((one) => one.own_network === network)
      .map(({ alert }) => JSON.stringify(alert))
      .flatMap((line) => [line, line.replace(/[^ -~]/g, escaped)]);
    const path = write(
      stage,
      lines.map((line) => Buffer.from(line)),
    );
    const name = `golden cases, own network ${network ?? "none"}`;
    return { name, path, handlers: "all", ...(network !== null && { ownNetwork: network }) };
  });
}

function goldenCases(): GoldenCase[] {
  const text = readFileSync(join(repositoryRoot, "test/data/wire/wire.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line): GoldenCase => JSON.parse(line));
}

/** Whole alerts and broken ones, each input as a line or as several. The same in each run. */
function fuzzLog(stage: Stage): ComparedLog {
  const root = join(repositoryRoot, "test/fuzz/corpus");
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  const corpus = [...hostileJson, ...paths.map((path) => readFileSync(path))];
  const whole = [...alerts, ...goldenCases().map(({ alert }) => Buffer.from(JSON.stringify(alert)))];
  const random = seededRandom(11);
  const draw = (below: number): number => Math.floor(random() * below);
  const count = Math.ceil(mutations * Math.min(stage.scale, 1));
  // Mostly of alerts: of the corpus hardly anything becomes one.
  const pools = [whole, whole, whole, [...corpus, ...whole]];
  const mutated = Array.from({ length: count }, () => mutate(present(pools[draw(pools.length)]), alertWords, draw));
  const taken = mutated.filter((input, index) => index % brokenEvery === 0 || isAlert(input));
  const path = write(stage, [...corpus, ...whole, ...taken]);
  return { name: "corpus of the fuzz tests, and mutations", path, handlers: "all" };
}

/** As our build judges it; what the other one makes of it is compared. */
function isAlert(input: Buffer): boolean {
  try {
    Alert.parse(input);
    return true;
  } catch (reason) {
    if (reason instanceof NotJson) return false;
    throw reason;
  }
}

/** Each of these, and the last alert, with a newline. */
function write(stage: Stage, lines: readonly Buffer[]): string {
  const path = stage.path("alerts.json");
  writeFileSync(path, Buffer.concat([...lines.flatMap((line) => [line, newline]), Buffer.from(lastAlert)]));
  return path;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
