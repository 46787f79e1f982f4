import { choice, duration, size } from "../values/schemas.ts";
import { section } from "../values/section.ts";

/** `log`: standard error is its only place. */
export const log = section({
  level: choice(["debug", "info", "warn", "error"]).prefault("info").describe("debug, info, warn or error."),
  statistics: duration({ least: 0, most: 86_400_000 })
    .prefault("10m")
    .describe("How often statistics are logged; 0: only at the end."),
})
  .prefault({})
  .describe("The log, which goes to standard error.");

/** `limits`: the minimum still holds a whole alert of usual size and others; above the maximum it is a typing error. */
export const limits = section({
  memory: size({ least: 1_048_576, most: 16 * 1_073_741_824 })
    .prefault("64MiB")
    .describe("Maximum size of all alerts that have been read and are not done yet."),
})
  .prefault({})
  .describe("Bounds on what the forwarder uses.");
