/** What others say about the same bytes. */

/** The values of an object, by key; JSON.parse makes even `__proto__` a key like any other. */
export type Fields = Readonly<Record<string, unknown>>;

function isList(value: Fields | readonly unknown[]): value is readonly unknown[] {
  return Array.isArray(value);
}

/**
 * The object that JSON.parse reads, undefined if it refuses or reads something else. Bytes that are not UTF-8 become
 * U+FFFD, which JSON.parse refuses outside strings as the product refuses the bytes.
 */
export function parsedObject(bytes: Buffer): Fields | undefined {
  try {
    const value: Fields | readonly unknown[] | null = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null && !isList(value) ? value : undefined;
  } catch {
    return undefined; // A refusal is an answer.
  }
}

/** Without its strings: structure, numbers and words are left. */
export function withoutStrings(json: string): string {
  return json.replaceAll(/"[^"\\]*(?:\\[^][^"\\]*)*"/g, '""');
}

/** Deepest nesting of text that is JSON. */
export function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of withoutStrings(json)) {
    if (character === "{" || character === "[") deepest = Math.max(deepest, ++depth);
    else if (character === "}" || character === "]") depth--;
  }
  return deepest;
}

const behind = /^Unexpected non-whitespace character after JSON at position (\d+)/;

/** Where the JSON that begins at `start` ends, whatever follows; undefined if it is not JSON. JSON.parse decides. */
export function endOfJson(line: Buffer, start: number): number | undefined {
  const text = line.toString("latin1", start);
  let end = text.length;
  try {
    JSON.parse(text);
  } catch (reason) {
    const position = reason instanceof Error ? behind.exec(reason.message)?.[1] : undefined;
    if (position === undefined) return undefined;
    end = Number(position);
  }
  while (" \t\r\n".includes(text.charAt(end - 1))) end--;
  return start + end;
}
