/** CHANGELOG.md (Keep a Changelog) read, and the changelogs that Debian and RPM want, made from it. */
import { int32, strings, type Value } from "./rpm-header.ts";

/** One version's changes. */
export interface Release {
  /** Without a version: what no release holds yet. */
  readonly version: string | undefined;
  /** Seconds since 1970, noon UTC of the day; undefined for what is not released. */
  readonly epochS: number | undefined;
  /** Each a line, with the kind of change in front, for instance `Fixed: …`. */
  readonly changes: readonly string[];
}

/** A version that a package names, dated. */
interface Dated {
  readonly version: string;
  readonly epochS: number;
  readonly changes: readonly string[];
}

const debWidth = 79;

/**
 * @param text the whole file: `## [1.2.3] - 2026-01-31` or `## [Unreleased]`, below it `### Fixed`, below it `- …`
 * @throws Error when a line of a release is none of these
 */
export function readChangelog(text: string): Release[] {
  const releases: { version: string | undefined; epochS: number | undefined; changes: string[] }[] = [];
  let kind = "";
  for (const [index, line] of text.split("\n").entries()) {
    const [, version, date] = /^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$/.exec(line) ?? [];
    const current = releases.at(-1);
    if (version !== undefined) {
      const isReleased = version !== "Unreleased";
      if (isReleased !== (date !== undefined)) throw notUnderstood(index, line);
      const epochS = date === undefined ? undefined : Date.parse(`${date}T12:00:00Z`) / 1000;
      releases.push({ version: isReleased ? version : undefined, epochS, changes: [] });
      kind = "";
    } else if (current === undefined || line === "") {
      continue; // the introduction
    } else if (line.startsWith("### ")) {
      kind = line.slice("### ".length);
    } else if (line.startsWith("- ") && kind !== "") {
      current.changes.push(`${kind}: ${line.slice("- ".length)}`);
    } else if (line.startsWith("  ") && current.changes.length > 0) {
      current.changes.push(`${current.changes.pop() ?? ""} ${line.trim()}`);
    } else {
      throw notUnderstood(index, line);
    }
  }
  return releases;
}

/**
 * The versions as a package of `version` has them, the newest first. What no release holds yet belongs to the package
 * that is being built, with its date.
 * @throws Error when nothing is said about `version`
 */
function datedFor(releases: readonly Release[], version: string, epochS: number): Dated[] {
  const open = releases.filter((release) => release.version === undefined).flatMap(({ changes }) => changes);
  const own = releases.find((release) => release.version === version);
  const changes = [...open, ...(own?.changes ?? [])];
  if (changes.length === 0) throw new Error(`CHANGELOG.md says nothing about ${version}: add a section for it`);
  const newest = { version, epochS: open.length === 0 ? (own?.epochS ?? epochS) : epochS, changes };
  const older = releases.flatMap((release) =>
    release.version === undefined || release.version === version || release.epochS === undefined
      ? []
      : [{ version: release.version, epochS: release.epochS, changes: release.changes }],
  );
  return [newest, ...older];
}

interface Package {
  readonly releases: readonly Release[];
  /** As package.json has it. */
  readonly version: string;
  readonly epochS: number;
  readonly maintainer: string;
}

/** As deb-changelog(5) describes it. */
export function debChangelog({ releases, version, epochS, maintainer }: Package): string {
  const entries = datedFor(releases, version, epochS).map((entry) => {
    const lines = entry.changes.flatMap((change) => wrapped(change, debWidth - "  * ".length));
    const items = lines.map(({ text, isFirst }) => `${isFirst ? "  * " : "    "}${text}\n`).join("");
    const date = new Date(entry.epochS * 1000).toUTCString().replace("GMT", "+0000");
    const head = `wazuh-dfn (${entry.version.replaceAll("-", "~")}) stable; urgency=medium`;
    return `${head}\n\n${items}\n -- ${maintainer}  ${date}\n`;
  });
  return entries.join("\n");
}

/** The tags CHANGELOGTIME, CHANGELOGNAME and CHANGELOGTEXT of an RPM. */
export function rpmChangelogTags({ releases, version, epochS, maintainer }: Package): [tag: number, value: Value][] {
  const entries = datedFor(releases, version, epochS);
  return [
    [1080, int32(...entries.map((entry) => entry.epochS))],
    [1081, strings(...entries.map((entry) => `${maintainer} - ${entry.version.replaceAll("-", "~")}-1`))],
    [1082, strings(...entries.map(({ changes }) => changes.map((change) => `- ${change}`).join("\n")))],
  ];
}

/** @param width in characters; a longer word stays whole */
function wrapped(text: string, width: number): { readonly text: string; readonly isFirst: boolean }[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => ({ text: line, isFirst: index === 0 }));
}

function notUnderstood(index: number, line: string): Error {
  return new Error(`CHANGELOG.md, line ${index + 1}: "${line}" is not a release, a kind of change or a change`);
}
