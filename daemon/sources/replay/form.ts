/** Recognises what an administrator may take for Wazuh's alerts and what is not, and how to make alerts of it. */
import { Alert } from "../../alert/alert.ts";

/**
 * What is in a file that certainly is not lines of alerts.
 * @param head the first bytes, decompressed
 * @param command of `wazuh-dfn`, that reads it
 * @returns undefined if the lines have to be examined
 */
export function foreignForm(head: Buffer, command: string): string | undefined {
  const send = `| wazuh-dfn ${command} -`;
  const text = head.toString("latin1");
  if (isUtf16(head)) return `it is UTF-16: iconv -f UTF-16 -t UTF-8 FILE ${send}`;
  if (/^\s*\{\s*"_(?:index|id|score|source|type)"\s*:/.test(text)) {
    return `it holds documents of the indexer, with the alert in _source: jq -c ._source FILE ${send}`;
  }
  if (/^\s*\{\s*"(?:took|timed_out|_shards|_scroll_id|hits)"\s*:/.test(text)) {
    return `it is an answer of the indexer, with the alerts in hits: jq -c '.hits.hits[]._source' FILE ${send}`;
  }
  if (/^\s*\[\s*\{/.test(text))
    return `it is one JSON array, but one alert per line is needed: jq -c '.[]' FILE ${send}`;
  if (/^\s*\{\s*\n\s*"/.test(text))
    return `it is JSON over several lines, but one alert per line is needed: jq -c . FILE ${send}`;
  if (text.startsWith("** Alert ")) return "it is alerts.log; name alerts.json or its archives, ossec-alerts-*.json";
  return undefined;
}

/** Whether a line is an alert of Wazuh, relevant or not. */
export function isAlert(line: Buffer): boolean {
  try {
    const alert = Alert.parse(line);
    return alert.ruleId !== undefined || (alert.id !== undefined && alert.timestamp !== undefined);
  } catch {
    // Not one JSON object: not an alert.
    return false;
  }
}

function isUtf16(head: Buffer): boolean {
  const [first, second] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  return (first === 0x7b && second === 0) || (first === 0 && second === 0x7b);
}
