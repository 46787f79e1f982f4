/** What analysisd's pre-decoder and decoders make of a line, as far as the snippets use them. */
import { present } from "../present.ts";
import type { DecodedEvent } from "./ruleset.ts";

interface Decoder {
  readonly name: string;
  readonly parent: string | undefined;
  readonly programName: RegExp | undefined;
  readonly prematch: RegExp | undefined;
  readonly regex: RegExp | undefined;
  readonly order: readonly string[];
}

export interface DecodedLine extends DecodedEvent {
  /** What the pre-decoder took out of the line. */
  readonly programName: string | undefined;
}

/** `Nov 29 08:00:00 host program[pid]: `: the program's name is removed from the line, its number is lost. */
const syslogHeader = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ ([^\s:[]+)(?:\[\d+\])?: /;
/** Removed as well, without a name. */
const isoDate = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} /;

export class Decoders {
  readonly #decoders: readonly Decoder[];

  constructor(xml: string) {
    const all = xml.replaceAll(/<!--[^]*?-->/g, "").matchAll(/<decoder name="([^"]*)">([^]*?)<\/decoder>/g);
    this.#decoders = [...all].map(([, name = "", body = ""]) => decoderOf(name, body));
  }

  get names(): readonly string[] {
    return this.#decoders.map(({ name }) => name);
  }

  /**
   * The first root decoder that matches, and the fields of its children. Lines with a program's name are for decoders
   * that ask for one, and the others for the rest (from reading Wazuh's source, src/analysisd/decoders/decoders_list.c
   * and decoder.c; the order was not run). A child without prematch leaves its parent's name on the event.
   */
  decode(line: string, location: string): DecodedLine {
    const header = syslogHeader.exec(line) ?? isoDate.exec(line);
    const programName = header?.[1];
    const text = line.slice(header?.[0].length ?? 0);
    const root = this.#decoders.find(
      (decoder) =>
        decoder.parent === undefined &&
        (programName === undefined
          ? decoder.prematch?.test(text) === true
          : decoder.programName?.test(programName) === true),
    );
    if (root === undefined) return { location, text, fields: undefined, decoder: undefined, programName };
    const fields: Record<string, string> = {};
    for (const child of this.#decoders.filter(({ parent }) => parent === root.name)) {
      const values = child.regex?.exec(text)?.slice(1) ?? [];
      for (const [index, value] of values.entries()) fields[present(child.order[index])] = value;
      if (values.length > 0) break;
    }
    return { location, text, fields, decoder: root.name, programName };
  }
}

function decoderOf(name: string, body: string): Decoder {
  const found = new Map<string, { readonly content: string; readonly isPcre2: boolean }>();
  for (const [, tag = "", attributes = "", content = ""] of body.matchAll(/<(\w+)([^>]*)>([^<]*)<\/\1>/g)) {
    if (!["parent", "program_name", "prematch", "regex", "order"].includes(tag))
      throw new Error(`unknown here: ${tag}`);
    found.set(tag, { content, isPcre2: attributes.includes('type="pcre2"') });
  }
  const regex = found.get("regex");
  if (regex?.isPcre2 === false) throw new Error(`${name}: only pcre2 is known here`);
  return {
    name,
    parent: found.get("parent")?.content,
    programName: beginning(found.get("program_name")?.content),
    prematch: beginning(found.get("prematch")?.content),
    regex: regex && new RegExp(regex.content),
    order: found.get("order")?.content.split(",") ?? [],
  };
}

/** `^` and a plain text: all that the snippets have, and the same in OSMatch and OSRegex. */
function beginning(pattern: string | undefined): RegExp | undefined {
  if (pattern === undefined) return undefined;
  if (!/^\^[\w.: -]+$/.test(pattern)) throw new Error(`unknown here: ${pattern}`);
  return new RegExp(pattern.replaceAll(".", "\\."), "i");
}
