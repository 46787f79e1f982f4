/**
 * Wazuh's own reader of XML, which ossec.conf and the rules go through: what it takes and what it refuses is neither a
 * part of XML nor all of it. Behaviour from the source of Wazuh 4.14, src/os_xml/os_xml.c (`_ReadElem`, `_getattributes`,
 * `_oscomment`) and its unit tests; the limits from os_xml_internal.h.
 */

/** One element. Offsets are positions in the text that was read: bytes, when that was decoded as latin1. */
export interface XmlElement {
  readonly name: string;
  /**
   * The text behind its last child, or all of it if there is none, as it is written: no entity is decoded, no blank is
   * cut, and the backslash of `\<` stays. Comments are left out.
   */
  readonly text: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Where its `<` is. */
  readonly from: number;
  /** Behind its last `>`. */
  readonly to: number;
}

interface XmlComment {
  /** What is between its marks. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export interface XmlDocument {
  readonly roots: readonly XmlElement[];
  readonly comments: readonly XmlComment[];
}

/** Wazuh refuses the text; the message names the line. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/** A name, a text, an attribute or its value is shorter than this, in bytes (XML_MAXSIZE). */
const maxLength = 20_480;

/** Elements inside each other, the outermost included. */
const maxDepth = 1024;

/** What isspace() of the C locale takes. */
const blanks = " \t\n\v\f\r";

/** Either form ends a comment, however it began. */
const commentEnd = /!>|-->/g;

/** An element that is being read. */
interface Frame {
  /** Outside of all elements (only the outermost frame), in a name, in the content, or in a closing tag. */
  state: "outside" | "name" | "content" | "closing";
  /** What was read in this state. */
  buffer: string;
  /** Whether an odd number of backslashes is in front. */
  isEscaped: boolean;
  from: number;
  name: string;
  text: string;
  attributes: Map<string, string> | undefined;
  children: XmlElement[] | undefined;
}

/** Shared by all that have none: a hostile text has a million elements. */
const noAttributes: ReadonlyMap<string, string> = new Map();
const noChildren: readonly XmlElement[] = [];

/**
 * Reads a text as Wazuh does. Several roots are fine, and so is text outside of them; `<!...!>` is a comment like
 * `<!--...-->`; a declaration (`<?xml ...?>`) counts as an element with a bad attribute.
 * @param text decoded as latin1, since Wazuh reads bytes
 * @throws Unreadable
 */
export function readOsXml(text: string): XmlDocument {
  return new Reader(text).read();
}

/** Line of a position, counted from 1. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let newline = text.indexOf("\n"); newline >= 0 && newline < at; newline = text.indexOf("\n", newline + 1))
    line++;
  return line;
}

class Reader {
  readonly #text: string;
  readonly #comments: XmlComment[] = [];
  /** The outermost frame belongs to no element; its children are the roots. */
  readonly #roots: XmlElement[] = [];
  readonly #frames: Frame[] = [newFrame()];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlDocument {
    for (; this.#at < this.#text.length;) this.#step(this.#frames.at(-1) ?? newFrame());
    const open = this.#frames.findLast(({ state }) => state !== "outside");
    if (open !== undefined) {
      const what = open.state === "name" ? "this tag has no end" : `<${quotedAttribute(open.name)}> is never closed`;
      throw this.#fault(what, open.from);
    }
    return { roots: this.#roots, comments: this.#comments };
  }

  #step(frame: Frame): void {
    const char = this.#text[this.#at++] ?? "";
    if (char === "\\") frame.isEscaped = !frame.isEscaped;
    else if (char !== "<") frame.isEscaped = false;
    this.#assertShort(frame.buffer);
    if (char === "<" && this.#text[this.#at] === "!") this.#passComment();
    else if (frame.state === "outside" && !frame.isEscaped) this.#readOutside(frame, char);
    else if (frame.state === "name" && (char === ">" || blanks.includes(char))) this.#endName(frame, char);
    else if (frame.state === "closing" && char === ">") this.#endElement(frame);
    else if (frame.state === "content" && char === "<" && !frame.isEscaped) this.#readTag(frame);
    else {
      if (frame.state !== "outside") frame.buffer += char;
      if (char === "<") frame.isEscaped = false;
    }
  }

  #readOutside(frame: Frame, char: string): void {
    if (char !== "<") return;
    if (this.#text[this.#at] === "/") throw this.#fault("a closing tag closes nothing that is open", this.#at - 1);
    frame.state = "name";
    frame.from = this.#at - 1;
  }

  #passComment(): void {
    const from = this.#at - 1;
    commentEnd.lastIndex = this.#at + 1;
    const end = commentEnd.exec(this.#text);
    if (end === null) throw this.#fault("a comment is never closed", from);
    this.#at = end.index + end[0].length;
    const text = this.#text.slice(from + 2, end.index).replace(/^--/, "");
    this.#comments.push({ text, from, to: this.#at });
  }

  #endName(frame: Frame, char: string): void {
    const hasSlash = frame.buffer.endsWith("/");
    frame.name = asCString(hasSlash ? frame.buffer.slice(0, -1) : frame.buffer);
    frame.buffer = "";
    const isClosed = char === ">" ? false : this.#readAttributes(frame);
    if (isClosed) this.#close(frame, this.#text[this.#at] === ">" ? this.#at + 1 : this.#at);
    else if (hasSlash) this.#close(frame, this.#at);
    else frame.state = "content";
  }

  /** A `<` in a content: of a closing tag, or of a child. */
  #readTag(frame: Frame): void {
    if (this.#text[this.#at] === "/") {
      this.#at++;
      frame.text = asCString(frame.buffer);
      frame.buffer = "";
      frame.state = "closing";
      return;
    }
    if (this.#frames.length >= maxDepth)
      throw this.#fault(`more than ${maxDepth} elements inside each other`, this.#at);
    this.#frames.push({ ...newFrame(), state: "name", from: this.#at - 1 });
  }

  #endElement(frame: Frame): void {
    if (asCString(frame.buffer) !== frame.name) {
      const opened = `<${quotedAttribute(frame.name)}>, which line ${lineAt(this.#text, frame.from)} opens`;
      throw this.#fault(`</${quotedAttribute(frame.buffer)}> does not close ${opened}`, this.#at - 1);
    }
    this.#close(frame, this.#at);
  }

  #close(frame: Frame, to: number): void {
    const { name, text, attributes = noAttributes, children = noChildren, from } = frame;
    const isRoot = this.#frames.length === 1;
    const parent = isRoot ? undefined : this.#frames.at(-2);
    const element = { name, text, attributes, children, from, to };
    if (parent === undefined) {
      this.#roots.push(element);
      this.#frames[0] = { ...newFrame(), isEscaped: frame.isEscaped };
    } else {
      this.#frames.pop();
      (parent.children ??= []).push(element);
      // Wazuh writes the text behind a child over the one before it.
      parent.buffer = "";
    }
  }

  /** @returns whether they end with `/`, which closes the element; its `>` is then still to come, and is text */
  #readAttributes(frame: Frame): boolean {
    for (;;) {
      const name = this.#readAttributeName();
      if (name === ">" || name === "/") return name === "/";
      if (frame.attributes?.has(name) === true)
        throw this.#fault(`the attribute ${quotedAttribute(name)} is there twice`, this.#at - 1);
      (frame.attributes ??= new Map()).set(name, this.#readAttributeValue(name));
      const char = this.#text[this.#at++] ?? "";
      if (char === ">" || char === "/") return char === "/";
      if (char === "" || !blanks.includes(char)) {
        throw this.#fault(
          `a blank, / or > is missing behind the value of the attribute ${quotedAttribute(name)}`,
          this.#at - 1,
        );
      }
    }
  }

  /** Up to the `=`; or the `>` or `/` that ends the tag. */
  #readAttributeName(): string {
    let name = "";
    for (; this.#at < this.#text.length; this.#assertShort(name)) {
      const char = this.#text[this.#at++] ?? "";
      if (char === "=") return asCString(name);
      if (char === ">" || char === "/" || blanks.includes(char)) {
        if (name !== "") throw this.#fault(`the attribute ${quotedAttribute(name)} has no value`, this.#at - 1);
        if (char === ">" || char === "/") return char;
      } else name += char;
    }
    throw this.#fault("a tag has no end", this.#at - 1);
  }

  #readAttributeValue(name: string): string {
    let quote = this.#text[this.#at++] ?? "";
    while (quote !== "" && blanks.includes(quote)) quote = this.#text[this.#at++] ?? "";
    if (quote !== '"' && quote !== "'") {
      throw this.#fault(`the value of the attribute ${quotedAttribute(name)} is not between quotes`, this.#at - 1);
    }
    let value = "";
    for (; this.#at < this.#text.length; this.#assertShort(value)) {
      const char = this.#text[this.#at++] ?? "";
      if (char === quote) return asCString(value);
      if (char === ">") break;
      value += char;
    }
    throw this.#fault(`the value of the attribute ${quotedAttribute(name)} has no end`, this.#at - 1);
  }

  /** A text that is as long as this and has a further byte behind it is too long. */
  #assertShort(text: string): void {
    if (text.length < maxLength) return;
    throw this.#fault(`a name, text or value has ${maxLength} bytes or more`, this.#at - 1);
  }

  /** @param what built by `quoted` if it contains parts of the text */
  #fault(what: string, at: number): Unreadable {
    return new Unreadable(`line ${lineAt(this.#text, at)}: ${what}`);
  }
}

function newFrame(): Frame {
  const content = { name: "", text: "", attributes: undefined, children: undefined };
  return { state: "outside", buffer: "", isEscaped: false, from: 0, ...content };
}

/** A part of the text as an error may show it: short, and without what a terminal would obey. */
export function quotedAttribute(text: string): string {
  const shown = text.slice(0, 60).replaceAll(/[^ -~]/g, "?");
  return shown.length < text.length ? `${shown}...` : shown;
}

/** In C a string ends at its first NUL. */
function asCString(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
