export const openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** Whether a client asks for OpenMetrics. @param accept the header of that name */
export function wantsOpenMetrics(accept: string | undefined): boolean {
  return accept?.includes("application/openmetrics-text") === true;
}

/**
 * Prometheus's text form as OpenMetrics 1.0: a counter's family is named without `_total`, no line is empty, and the last one
 * says that it is.
 */
export function openMetrics(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const named = lines.map((line) => line.replace(/^(# (?:HELP|TYPE) \S+)_total /, "$1 "));
  return [...named, "# EOF", ""].join("\n");
}
