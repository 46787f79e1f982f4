/** One element of `etc/ossec.conf`. */
export interface Element {
  readonly name: string;
  /** The text between its tags, as it stands: Wazuh decodes no entities and keeps blanks. */
  readonly text: string;
  readonly children: readonly Element[];
}

/** What `etc/ossec.conf` says. */
export interface OssecConf {
  /** The sections (`global`, `integration`, ...) of all `<ossec_config>` roots, in their order. */
  readonly sections: readonly Element[];
  /** The comments, for a look at what was commented out. */
  readonly comments: readonly string[];
}

/** The file is not what Wazuh's own reader would take; the message names the line. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

interface Open {
  readonly name: string;
  readonly children: Element[];
  readonly line: number;
  text: string;
}

/** Deeper than any section of Wazuh's. */
const mostDepth = 64;

const token = /<!--([^]*?)-->|<\?[^]*?\?>|<(\/?)([\w.:-]+)((?:\s[^<>]*?)?)(\/?)>|((?:\\<|[^<])+)/gy;

/**
 * Reads the configuration as Wazuh's own XML reader does, as far as settings go: several roots, comments, `\<` for a
 * `<` in text; attributes are passed over (Wazuh 4.14 source: src/os_xml/os_xml.c:254-446, src/config/config.c:355-380).
 * @throws Unreadable
 */
export function readOssecConf(text: string): OssecConf {
  const roots: Element[] = [];
  const comments: string[] = [];
  const open: Open[] = [];
  token.lastIndex = 0;
  let at = 0;
  const fault = (what: string): Unreadable => new Unreadable(`line ${lineAt(text, at)}: ${what}`);
  for (; at < text.length; at = token.lastIndex) {
    const match = token.exec(text);
    if (match === null) throw fault("this is no tag");
    const [, comment, closing, name, , selfClosing, plain] = match;
    const top = open.at(-1);
    if (comment !== undefined) comments.push(comment);
    else if (plain !== undefined) {
      if (top !== undefined) top.text += plain.replaceAll("\\<", "<");
      else if (plain.trim() !== "") throw fault("there is text outside of all sections");
    } else if (name === undefined) continue;
    else if (closing === "/") {
      if (top?.name !== name) throw fault(`</${name}> closes nothing that is open`);
      open.pop();
      (open.at(-1)?.children ?? roots).push({ name, text: top.text, children: top.children });
    } else if (selfClosing === "/") (top?.children ?? roots).push({ name, text: "", children: [] });
    else if (open.length >= mostDepth) throw fault("nested too deeply");
    else open.push({ name, children: [], text: "", line: lineAt(text, at) });
  }
  const left = open.at(-1);
  if (left !== undefined) throw new Unreadable(`line ${left.line}: <${left.name}> is never closed`);
  return {
    sections: roots.filter(({ name }) => name === "ossec_config").flatMap(({ children }) => children),
    comments,
  };
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let newline = text.indexOf("\n"); newline >= 0 && newline < at; newline = text.indexOf("\n", newline + 1))
    line++;
  return line;
}

/** The text of a setting, trimmed; of several the last one, which is the one that counts in Wazuh. */
export function settingOf(conf: OssecConf, section: string, name: string): string | undefined {
  const found = conf.sections.filter((one) => one.name === section).flatMap(({ children }) => children);
  return found.findLast((child) => child.name === name)?.text.trim();
}

/** All settings of that name in all sections of that name, trimmed, in their order. */
export function settingsOf(conf: OssecConf, section: string, name: string): string[] {
  const found = conf.sections.filter((one) => one.name === section).flatMap(({ children }) => children);
  return found.filter((child) => child.name === name).map(({ text }) => text.trim());
}
