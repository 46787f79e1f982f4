import { lineAt, quotedAttribute, readOsXml, Unreadable, type XmlDocument, type XmlElement } from "./os-xml.ts";

export { Unreadable } from "./os-xml.ts";

/** The largest ossec.conf that is read, in bytes: real ones have some ten kilobytes, and a few hundred at most. */
export const maxOssecConfBytes = 4 * 1024 * 1024;

/** One element of `etc/ossec.conf`. */
export type Element = XmlElement;

/** What `etc/ossec.conf` says. */
export interface OssecConf {
  /** The sections (`global`, `integration`, ...) of all `<ossec_config>` roots, in their order. */
  readonly sections: readonly Element[];
  /** The comments, for a look at what was commented out. */
  readonly comments: readonly string[];
  /** The same with positions. */
  readonly document: XmlDocument;
}

/**
 * Reads the configuration as Wazuh does: by its own reader of XML, with `<ossec_config>` as the only root, as often as
 * one likes (Wazuh 4.14 source: src/config/config.c, ReadConfig). What a section holds is not judged. Variables are for
 * rules: `<var>` is skipped here, and `$name` stays.
 * @param text decoded as latin1
 * @throws Unreadable when Wazuh would refuse it
 */
export function readOssecConf(text: string): OssecConf {
  const document = readOsXml(text);
  const roots = withoutVariables(document.roots);
  const stranger = roots.find(({ name }) => name !== "ossec_config");
  if (stranger !== undefined) {
    throw new Unreadable(
      `line ${lineAt(text, stranger.from)}: <${quotedAttribute(stranger.name)}> is outside of <ossec_config>`,
    );
  }
  return {
    sections: roots.flatMap(({ children }) => withoutVariables(children)),
    comments: document.comments.map((comment) => comment.text),
    document,
  };
}

function withoutVariables(elements: readonly Element[]): readonly Element[] {
  return elements.filter(({ name }) => name.toLowerCase() !== "var");
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
