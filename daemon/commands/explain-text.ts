/** The text of `explain`. All of it is made printable at the end: alerts, file names and brokers' texts are others'. */
import type { AlertAccount, FormerAccount, HandlerAccount, OwnEventAccount } from "../explain/alert-account.ts";
import type { RecordState, Whereabouts } from "../explain/whereabouts.ts";
import { printable } from "../printable.ts";
import type { RecordPlace } from "../records/record-search.ts";

const labelWidth = 12;
/** Characters of a value that are shown; the JSON has more. */
const shownCharacters = 120;

/** What each state is called. */
export const stateWords: Readonly<Record<RecordState["state"], string>> = {
  acknowledged: "acknowledged",
  "dead-letter": "dead letter",
  "in-flight": "in flight",
  "not-read": "not read yet",
  "before-start": "before the first start",
  "not-known": "not known",
};

/** The explanation of one alert, in lines. @param at which one it is, and of how many */
export function explanationText(where: Whereabouts, at: { readonly index: number; readonly count: number }): string {
  const { account } = where;
  const lines = [
    heading(account, at),
    row("stored", placeOf(account)),
    ...aboutOf(account).map((text) => row("", text)),
    ...needleRows(account),
    ...ownRows(account.own),
    ...account.handlers.flatMap((handler) => handlerRows(handler, account, where)),
    ...formerRows(account.former),
    ...(account.fault === undefined ? [] : [row("broken", account.fault)]),
    ...nowRows(where),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function heading({ id, node, timestamp }: AlertAccount, { index, count }: { index: number; count: number }): string {
  const which = count === 1 ? "" : `match ${index} of ${count}: `;
  if (id === undefined) return `${which}a line that is not an alert`;
  return `${which}alert ${id} of ${node === undefined || node === "" ? "an unnamed node" : `node ${node}`}, ${timestamp ?? "without a time"}`;
}

function placeOf({ line }: AlertAccount): string {
  const { file, offset, length, isCompressed, isSalvaged } = line;
  const name = file === "-" ? "standard input" : file;
  const content = isCompressed ? " of its decompressed content" : "";
  const piece = isSalvaged ? ", taken out of a line that is not JSON" : "";
  return `${name}, byte ${offset}${content}, ${length} bytes${piece}`;
}

function aboutOf({ agent, rule }: AlertAccount): string[] {
  const known = [agent === undefined ? "" : `agent ${agent}`, rule === undefined ? "" : `rule ${rule}`];
  const text = known.filter((part) => part !== "").join(", ");
  return text === "" ? [] : [text];
}

function needleRows({ handlers, line }: AlertAccount): string[] {
  if (line.isSalvaged && handlers.length > 0) return [row("needle", "not asked for: a broken line is examined whole")];
  const found = handlers.filter(({ isNeedleFound }) => isNeedleFound);
  if (handlers.length === 0) return [];
  if (found.length > 0)
    return found.map(({ handler, needle }, at) => row(at === 0 ? "needle" : "", `found: ${needle} (${handler})`));
  const rows = handlers.map(({ handler, needle }) => row("", `${needle} (${handler})`));
  return [row("needle", "none found, so no handler is asked:"), ...rows];
}

function ownRows(own: OwnEventAccount | undefined): string[] {
  if (own === undefined) return [];
  if (!own.isOwn) return [row("own event", "no")];
  const fields = own.fields.map(({ field, value }) => `${field} is ${shown(value)}`).join(", ");
  return [row("own event", `yes, so it is never sent: ${fields}`)];
}

function handlerRows(made: HandlerAccount, { verdict, own }: AlertAccount, { partitions }: Whereabouts): string[] {
  const { handler, conditions, record, failure, leftOut } = made;
  const isWanted = conditions.every(({ holds }) => holds);
  const isAsked = verdict !== "passed-by" && own?.isOwn !== true;
  const word = isWanted ? "wants it" : "does not want it";
  const rows = [row(handler, isAsked ? word : `is not asked; it ${isWanted ? "would want it" : "would not want it"}`)];
  for (const { field, must, holds, value } of conditions)
    rows.push(row("", `${holds ? "yes" : "no "}  ${field} ${must}: ${shown(value)}`));
  if (leftOut !== undefined) rows.push(row("", `it looks as if it was meant for this handler: ${leftOut}`));
  if (failure !== undefined) rows.push(row("", `it failed: ${failure}`));
  if (record !== undefined) {
    const partition = partitions.get(handler);
    const where = partition === undefined ? "partition not known" : `partition ${partition}`;
    rows.push(row("", `record for topic ${record.topic}, key ${record.key}, ${where}, ${record.bytes} bytes`));
    if (record.warning !== undefined) rows.push(row("", `with a warning to Wazuh: ${record.warning}`));
  }
  return rows;
}

function formerRows(former: FormerAccount | undefined): string[] {
  if (former === undefined) return [];
  const made = former.handlers.flatMap(({ handler, record, failure }) => {
    if (failure !== undefined) return [`${handler}: it failed: ${failure}`];
    return record === undefined ? [] : [`${handler}: record for topic ${record.topic}, ${record.bytes} bytes`];
  });
  const what = made.length === 0 ? ["no record"] : made;
  return [
    row("then", `the settings since ${former.since} made something else of it:`),
    ...what.map((text) => row("", text)),
  ];
}

function nowRows({ states }: Whereabouts): string[] {
  if (states.length === 0) return [row("now", "ignored")];
  return states.map((state, at) => row(at === 0 ? "now" : "", stateText(state)));
}

function stateText({ handler, state, places, why }: RecordState): string {
  const where = places.length === 0 ? "" : ` at ${places.map(placeText).join(", ")}`;
  const times = places.length > 1 ? `, ${places.length} times` : "";
  const reason = why === undefined ? "" : `: ${why}`;
  return `${handler === undefined ? "" : `${handler}: `}${stateWords[state]}${where}${times}${reason}`;
}

function placeText({ topic, partition, offset, file }: RecordPlace): string {
  return file === undefined
    ? `${topic}/${partition}, offset ${offset}`
    : `${topic}/${partition}, byte ${offset} of ${file}`;
}

function shown(value: string | undefined): string {
  if (value === undefined) return "missing";
  return value.length > shownCharacters ? `${value.slice(0, shownCharacters)}…` : value;
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(labelWidth)}${label.length >= labelWidth ? " " : ""}${text}`.trimEnd();
}
