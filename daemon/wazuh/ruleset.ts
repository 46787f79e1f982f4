/** What the manager's rules and decoders say about the events that are forwarded: what `doctor` needs. */
import { readOsXml, Unreadable, type XmlElement } from "./os-xml.ts";

/** A rule that names a Windows event or a group like fail2ban. */
export interface EventRule {
  readonly id: string;
  readonly level: number;
  readonly file: string;
  /** Patterns for `win.system.eventID`; all of them must match. */
  readonly eventIds: readonly RegExp[];
  /** As analysisd splits them: blanks stay. */
  readonly groups: readonly string[];
  readonly parents: readonly string[];
  readonly decodedAs: string | undefined;
}

/** Files with neither of these words have no rule or decoder of interest, and are not parsed. */
const wanted = /win\.system|fail2ban/;
/** A pattern has at most a few hundred characters. */
const maxPatternLength = 4096;
/** Digits, anchors, alternatives and groups, without any repetition: matching takes no time. */
const plainPattern = /^(?:[\d^$|\s]|\\d|\\\.|\(\?:|[()])*$/;

/** Text of a file that Wazuh reads as XML; empty for one that it refuses. */
function rootsOf(text: string): readonly XmlElement[] {
  if (!wanted.test(text)) return [];
  try {
    return readOsXml(text).roots;
  } catch (reason) {
    if (reason instanceof Unreadable) return [];
    throw reason;
  }
}

/**
 * The rules of interest, with those above them that are in the same files. Of two with one id the one with
 * `overwrite="yes"` counts, and else the first. Rules that count events (`frequency`) and those with `noalert` raise
 * nothing by one event, and are left out, as are those below rules that are in no file: Wazuh does not load them.
 * @param files in the order in which they are loaded; texts decoded as latin1
 */
export function eventRulesIn(files: readonly { readonly path: string; readonly text: string }[]): EventRule[] {
  const rules = new Map<string, EventRule>();
  const known = new Set<string>();
  for (const { path, text } of files) {
    for (const id of idsIn(text)) known.add(id);
    for (const root of rootsOf(text).filter(({ name }) => name === "group")) {
      for (const element of root.children.filter(({ name }) => name === "rule")) {
        const { attributes } = element;
        const id = attributes.get("id") ?? "";
        if (attributes.has("frequency") || attributes.get("noalert") === "1") continue;
        const before = rules.get(id);
        if (before !== undefined && attributes.get("overwrite") !== "yes") continue;
        const rule = ruleOf(element, root.attributes.get("name") ?? "", path);
        // An overwritten rule stays where it was below its parent.
        rules.set(id, before === undefined || rule.parents.length > 0 ? rule : { ...rule, parents: before.parents });
      }
    }
  }
  return [...rules.values()].filter(({ parents }) => parents.length === 0 || parents.some((id) => known.has(id)));
}

/** Whether a file has a rule of that id. */
export function hasRule(text: string, id: string): boolean {
  return idsIn(text).includes(id);
}

/** Whether a file has a decoder of that name, in the plain form that Wazuh's own files have. */
export function hasDecoder(text: string, name: string): boolean {
  return text.includes(`<decoder name="${name}"`);
}

/** Of all rules, without parsing: a `<` never comes inside the tag, so each byte is read once. */
function idsIn(text: string): string[] {
  return [...text.matchAll(/<rule\s([^<>]{0,500})>/g)].flatMap(([, tag = ""]) => {
    const id = /\bid\s{0,20}=\s{0,20}["'](\d{1,6})["']/.exec(tag)?.[1];
    return id === undefined ? [] : [id];
  });
}

function ruleOf(element: XmlElement, groupName: string, file: string): EventRule {
  const texts = (name: string): string[] =>
    element.children.filter((child) => child.name === name).map(({ text }) => text.trim());
  const fields = element.children.filter(
    ({ name, attributes }) => name === "field" && attributes.get("name") === "win.system.eventID",
  );
  const ownGroups = element.children.filter(({ name }) => name === "group").map(({ text }) => text);
  return {
    id: element.attributes.get("id") ?? "",
    level: Number(element.attributes.get("level")),
    file,
    eventIds: fields.map(patternOf),
    groups: [groupName, ...ownGroups].flatMap((text) => text.split(",")).filter((name) => name !== ""),
    parents: texts("if_sid").flatMap((text) => text.split(/[\s,]+/)),
    decodedAs: texts("decoded_as")[0],
  };
}

/** What is not easily read, or is negated, matches nothing. */
function patternOf({ text, attributes }: XmlElement): RegExp {
  const nothing = /(?!)/;
  if (attributes.get("negate") === "yes" || text.length > maxPatternLength || !plainPattern.test(text)) return nothing;
  const isPcre2 = attributes.get("type") === "pcre2";
  // Line breaks between alternatives are the author's; in OSRegex \. is any character.
  const alternatives = text.split("|").map((one) => one.trim());
  const source = alternatives.filter((one) => one !== "").join("|");
  if (source === "") return nothing;
  try {
    return new RegExp(isPcre2 ? source : source.replaceAll("\\.", "."));
  } catch {
    return nothing;
  }
}

/**
 * Per root decoder that has to do with fail2ban: whether it gives the fields that the forwarder asks for.
 * @param texts of files, decoded as latin1
 */
export function fail2banDecodersIn(texts: readonly string[]): ReadonlyMap<string, boolean> {
  const families = new Map<string, boolean>();
  for (const element of texts.flatMap(rootsOf).filter(({ name }) => name === "decoder")) {
    const text = (name: string): string => element.children.find((child) => child.name === name)?.text.trim() ?? "";
    const name = text("parent") === "" ? (element.attributes.get("name") ?? "") : text("parent");
    const fields = text("order").split(/[\s,]+/);
    const isWhole = fields.includes("program_name") && fields.includes("srcip");
    families.set(name, isWhole || families.get(name) === true);
  }
  return families;
}

/** The decoder that a rule asks for, by itself or by the rules above it; undefined: none is known. */
export function decoderOf(rule: EventRule, byId: ReadonlyMap<string, EventRule>): string | undefined {
  let at: EventRule | undefined = rule;
  for (let depth = 0; at !== undefined && depth < 20; depth++) {
    if (at.decodedAs !== undefined) return at.decodedAs;
    at = at.parents.map((id) => byId.get(id)).find((parent) => parent !== undefined);
  }
  return undefined;
}
