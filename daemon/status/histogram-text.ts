import type { PowerHistogram } from "../telemetry/power-histogram.ts";

/** One histogram of a metric. Labels must need no escapes. */
export interface HistogramRow {
  readonly labels: string;
  readonly histogram: PowerHistogram;
}

/** A histogram as Prometheus and OpenMetrics write it; each line ends with a newline. */
export function histogramText(name: string, help: string, rows: readonly HistogramRow[]): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const { labels, histogram } of rows) {
    const buckets = histogram.buckets;
    for (const [bound, count] of buckets) {
      lines.push(`${name}_bucket{${labels},le="${bound === Infinity ? "+Inf" : bound}"} ${count}`);
    }
    lines.push(
      `${name}_sum{${labels}} ${histogram.sumSeconds}`,
      `${name}_count{${labels}} ${buckets.at(-1)?.[1] ?? 0}`,
    );
  }
  return `${lines.join("\n")}\n`;
}
