/**
 * What analysisd does with the rules of a file, as far as they are used here: a second implementation that shares no
 * code.
 */
import { present } from "../present.ts";

/** An event after decoding, as rules see it. */
export interface DecodedEvent {
  /** With the agent in front, for an agent's event: `(name) ip->location`. */
  readonly location: string;
  readonly text: string;
  /** Flattened with dots; undefined for a text that no decoder takes apart. */
  readonly fields: Readonly<Record<string, string>> | undefined;
  /** The root decoder that took it. Left out: json, if there are fields. */
  readonly decoder?: string | undefined;
}

interface Rule {
  readonly id: string;
  readonly level: number;
  readonly parent: string | undefined;
  readonly ignoreSeconds: number;
  readonly matches: (event: DecodedEvent) => boolean;
}

/** The stock rule for the output of commands: `^ossec: output: ` (Wazuh 4.14: ruleset/rules/0016-wazuh_rules.xml). */
const commandOutput: Rule = {
  id: "530",
  level: 0,
  parent: undefined,
  ignoreSeconds: 0,
  matches: ({ text }) => text.startsWith("ossec: output: "),
};

/** A stock rule of level 0 that Windows events end at (Wazuh 4.14: 0580-win-security_rules.xml, 0610-win-ms_logs_rules.xml). */
function windowsRule(id: string, field: string, value: RegExp, severity: RegExp): Rule {
  return {
    id,
    level: 0,
    parent: undefined,
    ignoreSeconds: 0,
    matches: ({ decoder, fields }) =>
      decoder === "windows_eventchannel" &&
      value.test(fields?.[`win.system.${field}`] ?? "") &&
      severity.test(fields?.["win.system.severityValue"] ?? ""),
  };
}

/** In the order in which they come here: an event of the log's own provider is in the channel Security, too. */
const stockRules: readonly Rule[] = [
  commandOutput,
  windowsRule("63108", "providerName", /^Microsoft-Windows-Eventlog$/, /^INFORMATION$/),
  windowsRule("60103", "channel", /^Security$/, /^AUDIT_SUCCESS$|^success$/),
];

/** Judges events one after the other, with what `ignore` keeps between them. */
export class Ruleset {
  readonly #rules: readonly Rule[];
  /** For each rule: until when it is silent. */
  readonly #silentUntil = new Map<string, number>();

  constructor(xml: string) {
    const own = [...xml.replaceAll(/<!--[^]*?-->/g, "").matchAll(/<rule ([^>]*)>([^]*?)<\/rule>/g)];
    this.#rules = [...stockRules, ...own.map(([, attributes = "", body = ""]) => ruleOf(attributes, body))];
  }

  /**
   * The rule that an event ends at; undefined if none matches. Of several that match, level 0 comes first and then the
   * higher level; a rule that is silent is skipped, and its parent has the event (seen with the real analysisd).
   */
  judge(event: DecodedEvent, nowSeconds = 0): { readonly id: string; readonly level: number } | undefined {
    let found: Rule | undefined;
    for (;;) {
      const next: Rule | undefined = this.#childrenOf(found?.id)
        .filter((rule) => rule.matches(event))
        .find(({ id }) => nowSeconds >= (this.#silentUntil.get(id) ?? 0));
      if (next === undefined) break;
      found = next;
    }
    if (found !== undefined && found.ignoreSeconds > 0) {
      this.#silentUntil.set(found.id, nowSeconds + found.ignoreSeconds);
    }
    return found && { id: found.id, level: found.level };
  }

  #childrenOf(parent: string | undefined): Rule[] {
    const weight = ({ level }: Rule): number => (level === 0 ? Infinity : level);
    return this.#rules.filter((rule) => rule.parent === parent).toSorted((a, b) => weight(b) - weight(a));
  }
}

function ruleOf(attributes: string, body: string): Rule {
  const conditions: ((event: DecodedEvent) => boolean)[] = [];
  let parent: string | undefined;
  for (const [, name = "", options = "", content = ""] of body.matchAll(/<(\w+)([^>]*)>([^<]*)<\/\1>/g)) {
    if (name === "if_sid") parent = content;
    else if (name === "decoded_as") {
      conditions.push(({ fields, decoder = fields && "json" }) => content === decoder);
    } else if (name === "location") {
      const pattern = options.includes("pcre2") ? new RegExp(content) : simplePattern(content);
      conditions.push(({ location }) => pattern.test(location));
    } else if (name === "match") {
      const pattern = simplePattern(content);
      conditions.push(({ text }) => pattern.test(text));
    } else if (name === "field") {
      const field = present(/name="([^"]*)"/.exec(options)?.[1]);
      const pattern = new RegExp(content.replaceAll("\\.", "."));
      conditions.push(({ fields }) => fields !== undefined && field in fields && pattern.test(present(fields[field])));
    } else if (name !== "options" && name !== "description") throw new Error(`the rules use ${name}, unknown here`);
  }
  return {
    id: present(/ ?id="(\d+)"/.exec(attributes)?.[1]),
    level: Number(present(/level="(\d+)"/.exec(attributes)?.[1])),
    parent,
    ignoreSeconds: Number(/ignore="(\d+)"/.exec(attributes)?.[1] ?? 0),
    matches: (event) => conditions.every((holds) => holds(event)),
  };
}

/** OSMatch: a text, `^` and `$` at its ends, `|` between several. */
function simplePattern(content: string): RegExp {
  const escaped = content.split("|").map((part) =>
    part.replace(/^\^?(.*?)\$?$/s, (whole, inner: string) => {
      const plain = inner.replaceAll(/[.*+?()[\]{}\\^$]/g, "\\$&");
      return `${whole.startsWith("^") ? "^" : ""}${plain}${whole.endsWith("$") ? "$" : ""}`;
    }),
  );
  return new RegExp(escaped.join("|"), "i");
}
