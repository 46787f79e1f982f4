/** How figures are written for people. */

/** Bytes in the largest unit that leaves at least 1: `0 B`, `1.5 KB` (thousands, not 1,024). */
export function byteSize(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ["KB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** power).toFixed(1)} ${units[power - 1] ?? ""}`;
}

/** A whole number with commas between thousands. */
export function grouped(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** A rate with one decimal below 100, without any above. */
export function rateText(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : grouped(perSecond);
}

/** A count in at most five characters: `999`, `12.3k`, `4.5M`. */
export function shortCount(count: number): string {
  const units = ["", "k", "M", "G", "T"];
  let power = 0;
  let left = count;
  while (left >= 999.5 && power < units.length - 1) {
    left /= 1000;
    power += 1;
  }
  return `${power > 0 && left < 99.95 ? left.toFixed(1) : Math.round(left)}${units[power] ?? ""}`;
}
