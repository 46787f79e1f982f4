/** How many columns of a terminal a text takes. */

/** Marks that are drawn onto the character before them. */
const marks = /[\p{Mn}\p{Me}]/u;
/** Characters that terminals draw two columns wide (UAX #11, wide and fullwidth), in blocks, and emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Columns of one character (0, 1 or 2). */
function columnsOf(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (marks.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** The longest beginning of a printable text that fits into so many columns, and how many it takes. */
export function fitting(text: string, columns: number): { readonly text: string; readonly columns: number } {
  let used = 0;
  let end = 0;
  for (const character of text) {
    const more = columnsOf(character);
    if (used + more > columns) break;
    used += more;
    end += character.length;
  }
  return { text: text.slice(0, end), columns: used };
}

/**
 * Breaks a printable text at blanks into lines of at most so many columns; a longer word is cut.
 * @param columns at least 1; taken for 2 below that, the width of the widest character
 */
export function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let left = text.trim();
  while (left !== "") {
    const { text: head } = fitting(left, Math.max(2, columns));
    const blank = head.length < left.length && left[head.length] !== " " ? head.lastIndexOf(" ") : -1;
    const end = blank > 0 ? blank : head.length;
    lines.push(left.slice(0, end).trimEnd());
    left = left.slice(end).trimStart();
  }
  return lines;
}
