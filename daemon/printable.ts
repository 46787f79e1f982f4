/**
 * The only way that text chosen by others (alerts, file names, answers, brokers' texts) reaches a terminal: whatever
 * could control it, hide something, or change the reading order is written as an escape.
 */

/**
 * Control characters of C0 and C1, DEL, line and paragraph separators, everything that changes the direction of text,
 * and characters without a width (Unicode 16: general categories Cc, Cf, Zl, Zp; and lone surrogates).
 */
const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function escaped(character: string): string {
  let text = "";
  for (let at = 0; at < character.length; at++) {
    text += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return text;
}

/** Text on one line of a terminal: newlines are escaped too. */
export function printable(text: string): string {
  return text.replaceAll(steering, escaped);
}

/** Text of several lines that we put together ourselves: newlines stay, everything else is as with `printable`. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/**
 * JSON text that can go to a terminal. The value is the same: what could control a terminal is inside strings, where
 * JSON allows an escape for it; whitespace between them stays if it is a newline or a space.
 */
export function printableJson(json: string): string {
  return printableLines(json.replaceAll(/[\t\r]/g, " "));
}

/** A value as JSON text that can go to a terminal; see `printableJson`. @param indent as with `JSON.stringify` */
export function toPrintableJson(value: unknown, indent?: number): string {
  return printableJson(JSON.stringify(value, null, indent));
}

/** A word of a shell command: as it is if that is harmless, else in single quotes. Nothing in it is run or expanded. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith("-") && !text.startsWith("=")
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A shell command with values in it, each as one word: `` command`ls -l ${path}` ``. */
export function command(texts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return texts.map((text, at) => text + (at < values.length ? shellWord(String(values[at])) : "")).join("");
}
