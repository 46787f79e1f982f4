import type { Tree } from "../config/values/tree.ts";
import { formatDuration } from "../config/values/units.ts";

/**
 * What became of a setting of the Python daemon.
 * - taken: it has a counterpart here.
 * - not-needed: it has none, and none is missed.
 * - by-hand: it means something that the administrator has to see to.
 * - unknown: the Python daemon has no such setting either.
 */
export type FateKind = "taken" | "not-needed" | "by-hand" | "unknown";

/** A value for one of our settings, as the file holds it. */
export type Target = readonly [name: string, value: string | readonly string[]];

export interface MigrationOutcome {
  readonly kind: FateKind;
  /** Why, or how it differs; a sentence without a full stop. */
  readonly why: string;
  readonly targets: readonly Target[];
}

/** A setting as it holds for the Python daemon. */
export interface Given {
  /** As text; empty where it is not set, or null. */
  readonly text: string;
  /** As it was written; undefined where its default holds. */
  readonly tree: Tree | undefined;
  /** Another setting, or its default, as text. */
  readonly other: (name: string) => string;
}

export type Rule = (given: Given) => MigrationOutcome;

export function taken(why: string, ...targets: readonly Target[]): MigrationOutcome {
  return { kind: "taken", why, targets };
}

export function byHand(why: string, ...targets: readonly Target[]): MigrationOutcome {
  return { kind: "by-hand", why, targets };
}

export function notNeeded(why: string): MigrationOutcome {
  return { kind: "not-needed", why, targets: [] };
}

/** The rule for a setting that has no counterpart. */
export function needless(why: string): Rule {
  return () => notNeeded(why);
}

/** Whether a truth value is true, in any of the forms that pydantic takes. */
export function isTrue(text: string): boolean {
  return /^(true|t|yes|y|on|1)$/i.test(text);
}

/** Seconds, whole or not, as a duration within a range of milliseconds; undefined for what is not a number. */
export function durationOf(seconds: string, least: number, most: number): string | undefined {
  const ms = Math.round(Number(seconds) * 1000);
  if (seconds.trim() === "" || !Number.isFinite(ms)) return undefined;
  return formatDuration(Math.min(Math.max(ms, least), most));
}
