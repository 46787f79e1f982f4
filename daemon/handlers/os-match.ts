/**
 * Wazuh's simple pattern language, as `event_location` of an integration uses it (Wazuh 4.14 source:
 * src/os_regex/os_match_compile.c, os_match_execute.c): alternatives parted by `|`, each found anywhere unless `^` or
 * `$` holds it to an end, ASCII letters in either case, a leading `!` for the opposite of the whole.
 */
export function osMatch(pattern: string): (text: string) => boolean {
  const isNegated = pattern.startsWith("!");
  const alternatives = lower(isNegated ? pattern.slice(1) : pattern)
    .split("|")
    .map(alternative);
  return (text) => {
    const lowered = lower(text);
    return alternatives.some((matches) => matches(lowered)) !== isNegated;
  };
}

function alternative(pattern: string): (text: string) => boolean {
  const isStart = pattern.startsWith("^");
  const isEnd = pattern.endsWith("$");
  const literal = pattern.slice(isStart ? 1 : 0, isEnd ? -1 : undefined);
  if (isStart && isEnd) return (text) => text === literal;
  if (isStart) return (text) => text.startsWith(literal);
  if (isEnd) return (text) => text.endsWith(literal);
  return (text) => text.includes(literal);
}

/** Wazuh compares bytes in the C locale: letters beyond ASCII keep their case. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
