/** The report of an audit as one page that needs nothing from outside. Text from logs and topics is shown, never interpreted. */
import { countNames, type HourCounts, type HourRow } from "../../audit/audit-result.ts";
import { printable } from "../../printable.ts";
import { type AuditReport, countTitles, findingText, remarksOf, verdictText } from "./text.ts";

const chart = { width: 1000, height: 220, left: 70, bottom: 30 } as const;
/** More bars than that are not told apart: neighbours are drawn as one. */
const maxBars = 240;

/** What one bar is stacked of, from below; each record is in one of these. */
const layers = [
  { title: "in Kafka", color: "#2e7d4f", count: (row: HourCounts) => row.inKafka },
  { title: "pending", color: "#8a8f98", count: (row: HourCounts) => row.pending },
  { title: "unknown", color: "#b9a13b", count: (row: HourCounts) => row.unknown },
  { title: "dead letters", color: "#7b4fa0", count: (row: HourCounts) => row.deadLetters },
  { title: "altered", color: "#d97706", count: (row: HourCounts) => row.altered },
  { title: "missing", color: "#c62828", count: (row: HourCounts) => row.missing },
] as const;

const style = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8886}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left;white-space:nowrap}td.wrong{color:#c62828;font-weight:bold}
svg{width:100%;height:auto}svg text{fill:currentColor;font:12px system-ui,sans-serif}.key span{margin-right:1rem}
.wide{overflow-x:auto}code,li{overflow-wrap:anywhere}`;

/** The whole page. */
export function auditHtml(report: AuditReport): string {
  const { audited, span, timeMs } = report;
  const { rows, total, findings, verdict } = audited.result;
  const head = countNames.map((name) => `<th scope="col">${text(countTitles[name])}</th>`).join("");
  const body = rows.map((row) => tableRow(row.hour ?? "no time", row.node, row)).join("\n");
  const list = findings.map((finding) => `<li>${text(findingText(finding))}</li>`).join("\n");
  const remarks = remarksOf(report).map((sentence) => `<li>${text(sentence)}</li>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>wazuh-dfn audit: ${text(verdict)}</title><style>${style}</style></head><body>
<h1>wazuh-dfn audit</h1>
<p><strong>${text(verdictText(report))}</strong></p>
<p>Alerts from ${text(at(span.fromMs, "the oldest archive"))} to ${text(at(span.toMs, "now"))}; made ${text(at(timeMs, ""))}.</p>
${svgOf(rows)}
<p class="key">${layers.map(({ title, color }) => `<span><svg width="12" height="12" style="width:12px" aria-hidden="true"><rect width="12" height="12" fill="${color}"/></svg> ${text(title)}</span>`).join("")}</p>
${remarks.length === 0 ? "" : `<ul>\n${remarks.join("\n")}\n</ul>`}
<div class="wide"><table><thead><tr><th scope="col">hour</th><th scope="col">node</th>${head}</tr></thead><tbody>
${body}
${tableRow("all", "", total)}
</tbody></table></div>
${findings.length === 0 ? "" : `<h2>Findings</h2>\n<ul>\n${list}\n</ul>`}
</body></html>
`;
}

const wrong: ReadonlySet<keyof HourCounts> = new Set(["missing", "twice", "altered", "unlined", "deadLetters"]);

function tableRow(hour: string, node: string, counts: HourCounts): string {
  const cells = countNames.map(
    (name) => `<td${wrong.has(name) && counts[name] > 0 ? ' class="wrong"' : ""}>${counts[name]}</td>`,
  );
  return `<tr><td>${text(hour)}</td><td>${text(node)}</td>${cells.join("")}</tr>`;
}

/** Records by hour, all nodes together. */
function svgOf(rows: readonly HourRow[]): string {
  const bars = barsOf(rows);
  const most = Math.max(1, ...bars.map(({ counts }) => layers.reduce((sum, { count }) => sum + count(counts), 0)));
  const { width, height, left, bottom } = chart;
  const high = height - bottom;
  const step = (width - left) / Math.max(1, bars.length);
  const drawn = bars.map(({ name, counts }, index) => {
    let y = high;
    const pieces = layers.flatMap(({ color, count }) => {
      if (count(counts) === 0) return [];
      // What is wrong is seen, however little it is.
      const tall = Math.max(1.5, (count(counts) / most) * (high - 10));
      y -= tall;
      const x = left + index * step;
      return [
        `<rect x="${round(x)}" y="${round(y)}" width="${round(step * 0.85)}" height="${round(tall)}" fill="${color}"/>`,
      ];
    });
    return `<g><title>${text(name)}</title>${pieces.join("")}</g>`;
  });
  const [first, last] = [bars[0]?.name ?? "", bars.at(-1)?.name ?? ""];
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Records by hour">
<line x1="${left}" y1="${high}" x2="${width}" y2="${high}" stroke="currentColor"/>
<text x="${left - 8}" y="14" text-anchor="end">${most}</text><text x="${left - 8}" y="${high}" text-anchor="end">0</text>
<text x="${left}" y="${height - 8}">${text(first)}</text><text x="${width}" y="${height - 8}" text-anchor="end">${text(last)}</text>
${drawn.join("\n")}
</svg>`;
}

interface Bar {
  readonly name: string;
  readonly counts: HourCounts;
}

function barsOf(rows: readonly HourRow[]): readonly Bar[] {
  const byHour = new Map<string, HourCounts>();
  for (const { hour = "no time", node: _node, ...counts } of rows) byHour.set(hour, sumOf(byHour.get(hour), counts));
  const all = [...byHour].map(([name, counts]) => ({ name, counts }));
  const together = Math.ceil(all.length / maxBars);
  const bars: Bar[] = [];
  for (let from = 0; from < all.length; from += together) {
    const group = all.slice(from, from + together);
    const [first, last] = [group[0]?.name ?? "", group.at(-1)?.name ?? ""];
    const counts = group.map((bar) => bar.counts).reduce((sum, next) => sumOf(sum, next));
    bars.push({ name: first === last ? first : `${first} to ${last}`, counts });
  }
  return bars;
}

function sumOf(one: HourCounts | undefined, other: HourCounts): HourCounts {
  const sum = { ...other };
  if (one !== undefined) for (const name of countNames) sum[name] += one[name];
  return sum;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function at(ms: number | undefined, otherwise: string): string {
  return ms === undefined ? otherwise : new Date(ms).toISOString();
}

/** Text in the page, whatever it holds. */
function text(value: string): string {
  return printable(value).replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
