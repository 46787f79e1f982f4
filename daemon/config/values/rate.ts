import { inQuotes, InvalidValue } from "./problem.ts";
import { scalar } from "./schemas.ts";

/** So many in so long. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

const periods = { s: 1000, m: 60_000, h: 3_600_000 } as const;
const maxCount = 1_000_000;

/** A rate such as `120/m`: a whole number, a slash, and s, m or h. */
export function rate() {
  return scalar<Rate>({
    read: readRate,
    print: ({ count, perMs }) => `${count}/${perMs === periods.s ? "s" : perMs === periods.m ? "m" : "h"}`,
    json: { type: "string", pattern: "^[1-9]\\d{0,6}/[smh]$", $comment: "1/h to 1000000/s" },
  });
}

function readRate(written: string): Rate {
  const [, digits = "", unit = ""] = /^([1-9]\d{0,6})\/([smh])$/.exec(written) ?? [];
  const count = Number(digits);
  if ((unit === "s" || unit === "m" || unit === "h") && count <= maxCount) return { count, perMs: periods[unit] };
  throw new InvalidValue(`${inQuotes(written)} is not a rate; use a number and a unit such as 120/m (s, m or h)`);
}
