/** Which files of rules and decoders analysisd loads, as far as ossec.conf says. */
import { basename, dirname } from "node:path";
import type { OssecConf } from "./ossec-conf.ts";

export type RulesetKind = "rule" | "decoder";

/** What ossec.conf makes of one file. */
export type RulesetReading =
  | { readonly kind: "loaded" }
  /** `why` is the end of a sentence that begins with the file's name. */
  | { readonly kind: "left-out"; readonly why: string }
  /** A pattern that is not understood decides. */
  | { readonly kind: "unclear"; readonly why: string };

interface Directory {
  /** Below the manager's home, without a slash at the end. */
  readonly path: string;
  /** As it is written; undefined: Wazuh's own, which takes names that end in `.xml`. */
  readonly pattern: string | undefined;
}

/** A pattern longer than this is not understood; neither is one that repeats more often, which could take long. */
const maxPatternLength = 200;
const maxRepetitions = 2;

/**
 * The settings of one kind, from all `<ruleset>` sections in their order. Without any directory the two of a shipped
 * ossec.conf count.
 */
export class RulesetPlan {
  readonly #kind: RulesetKind;
  readonly #directories: readonly Directory[];
  readonly #included: ReadonlySet<string>;
  readonly #excluded: ReadonlySet<string>;

  /** @param conf undefined: not known */
  constructor(kind: RulesetKind, conf: OssecConf | undefined) {
    this.#kind = kind;
    const sections = conf?.sections.filter(({ name }) => name === "ruleset") ?? [];
    const settings = sections.flatMap(({ children }) => children);
    const texts = (name: string): string[] =>
      settings.filter((one) => one.name === `${kind}_${name}`).map(({ text }) => plainPath(text));
    const named = settings
      .filter(({ name }) => name === `${kind}_dir`)
      .map(({ text, attributes }) => ({
        path: plainPath(text).replace(/^\//, ""),
        pattern: attributes.get("pattern"),
      }));
    const usual = [`ruleset/${kind}s`, `etc/${kind}s`].map((path) => ({ path, pattern: undefined }));
    this.#directories = named.length > 0 ? named : usual;
    this.#included = new Set(texts("include").map((one) => (one.includes("/") ? one : `ruleset/${kind}s/${one}`)));
    this.#excluded = new Set(texts("exclude"));
  }

  /** Directories below the manager's home, in the order in which they are read; each once. */
  get directories(): readonly string[] {
    return [...new Set(this.#directories.map(({ path }) => path))];
  }

  /** Files that are named one by one; they come before those of the directories. */
  get included(): readonly string[] {
    return [...this.#included];
  }

  /**
   * @param place path below the manager's home
   * @param home absolute path of the home, for those who exclude by it
   */
  readingOf(place: string, home: string): RulesetReading {
    const tag = `${this.#kind}_`;
    // Wazuh's own form is the bare name, which leaves out the files of that name in all directories.
    if ([place, basename(place), `${home}/${place}`].some((form) => this.#excluded.has(form))) {
      return { kind: "left-out", why: `a <${tag}exclude> of ossec.conf names it` };
    }
    if (this.#included.has(place)) return { kind: "loaded" };
    const directories = this.#directories.filter(({ path }) => path === dirname(place));
    if (directories.length === 0) {
      return { kind: "left-out", why: `ossec.conf has no <${tag}dir>${dirname(place)}` };
    }
    const fits = directories.map(({ pattern }) =>
      pattern === undefined ? place.endsWith(".xml") : fit(pattern, place),
    );
    if (fits.includes(true)) return { kind: "loaded" };
    const pattern = directories.find((one) => one.pattern !== undefined)?.pattern;
    if (pattern === undefined) return { kind: "left-out", why: "its name does not end in .xml" };
    if (fits.includes(undefined)) {
      return { kind: "unclear", why: `the pattern "${pattern}" of a <${tag}dir> decides, which is not understood` };
    }
    return { kind: "left-out", why: `the pattern "${pattern}" of <${tag}dir>${dirname(place)} does not fit its name` };
  }
}

/** Without blanks, slashes at the end, double ones, and a `./` in front. */
function plainPath(text: string): string {
  return text
    .trim()
    .replaceAll(/\/{2,}/g, "/")
    .replace(/^\.\//, "")
    .replace(/\/$/, "");
}

/** Whether a pattern of Wazuh's OSRegex fits, without regard to case; undefined: it is not understood. */
function fit(pattern: string, place: string): boolean | undefined {
  if (pattern.length > maxPatternLength) return undefined;
  const parts = pattern.match(/\\[wd.][+*]?|\\[^\w]|[\w/ -]|[.^$|]/g) ?? [];
  if (parts.join("") !== pattern || parts.filter((part) => /^\\.[+*]$/.test(part)).length > maxRepetitions) {
    return undefined;
  }
  // A plain dot is a dot there, and \. is any character.
  const source = parts.map((part) =>
    part === "."
      ? "\\."
      : part.startsWith("\\.")
        ? `.${part.slice(2)}`
        : part.startsWith("\\w")
          ? `[\\w@-]${part.slice(2)}`
          : part,
  );
  return new RegExp(source.join(""), "i").test(place);
}
