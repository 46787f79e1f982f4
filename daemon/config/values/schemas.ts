import { z } from "zod";
import { inQuotes, InvalidValue } from "./problem.ts";
import { readDuration, readSize, type Range } from "./units.ts";

/** Most entries of any list in the configuration. */
const mostItems = 1000;

/** A setting whose text `read` turns into its value; `read` throws Refusal. */
export function text<T>(read: (text: string) => T) {
  return z.string({ error: expected("one value") }).transform((written, context): T => {
    try {
      return read(written);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      context.issues.push({ code: "custom", message: error.message, input: written });
      return z.NEVER;
    }
  });
}

/** One value, a list, or text with commas between the values (environment and command line have no lists). */
export function listOf<T>(read: (text: string) => T) {
  return z
    .unknown()
    .transform((written) => (typeof written === "string" ? written.split(",").map((item) => item.trim()) : written))
    .pipe(
      z
        .array(text(read), { error: expected("a list, or values with commas between them,") })
        .min(1, "the list is empty")
        .max(mostItems, `at most ${mostItems} values are allowed`),
    )
    .transform((items): readonly T[] => [...new Set(items)]);
}

/** A duration with its unit, in milliseconds. */
export function duration(range: Range) {
  return text((written) => readDuration(written, range));
}

/** A size with its unit, in bytes. */
export function size(range: Range) {
  return text((written) => readSize(written, range));
}

/** A whole number without a unit. */
export function whole({ least, most }: Range) {
  return text((written) => {
    const value = /^\d{1,15}$/.test(written) ? Number(written) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidValue(`${inQuotes(written)} is not allowed; allowed is a whole number from ${least} to ${most}`);
  });
}

/** One of a few words; `on` and `off` may be written `true` and `false`. */
export function choice<const W extends string>(words: readonly W[]) {
  return text((written): W => {
    const word = onOff(written);
    const found = words.find((one) => one === word);
    if (found !== undefined) return found;
    throw new InvalidValue(`${inQuotes(written)} is not allowed; allowed is ${words.join(", ")}`);
  });
}

/** A file or directory; a relative one is below the working directory. */
export function path() {
  return text(readPath);
}

/** The form of a path, without looking at the disk. Throws Refusal. */
export function readPath(written: string): string {
  if (written.includes("\0")) throw new InvalidValue("a path holds no NUL");
  if (written.startsWith("~")) throw new InvalidValue(`${inQuotes(written)}: ~ is the shell's; write the whole path`);
  return written;
}

/** Longest path of a Unix socket in bytes: `sun_path` of unix(7) has 108, and one is the closing NUL. */
const mostSocketPathBytes = 107;

/** Like `readPath`, for a Unix socket. Throws Refusal. */
export function readSocketPath(written: string): string {
  const bytes = Buffer.byteLength(readPath(written));
  if (bytes <= mostSocketPathBytes) return written;
  throw new InvalidValue(`the path of a Unix socket has at most ${mostSocketPathBytes} bytes, this one has ${bytes}`);
}

/** The number of an event or a rule, as text, since leading zeros count. Throws Refusal. */
export function readDigits(written: string): string {
  if (/^\d{1,10}$/.test(written)) return written;
  throw new InvalidValue(`${inQuotes(written)} is not allowed; allowed are numbers of up to 10 digits`);
}

/** Text that is taken as it is, of at most `mostLength` characters. */
export function free(mostLength: number) {
  return text((written) => {
    if (written.length <= mostLength && !/\p{Cc}/u.test(written)) return written;
    throw new InvalidValue(`at most ${mostLength} characters without control characters are allowed`);
  });
}

/** The name of a Kafka topic; the rule is that of Kafka's own `org.apache.kafka.common.internals.Topic`. */
export function readTopic(written: string): string {
  if (/^[\w.-]{1,249}$/.test(written) && written !== "." && written !== "..") return written;
  throw new InvalidValue(
    `${inQuotes(written)} is no topic name; allowed are 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-"`,
  );
}

/**
 * A section. The message of an unknown key's issue is the list of names that there are; `problemsOf` makes the sentence.
 */
export function section<S extends z.ZodRawShape>(shape: S) {
  const names = Object.keys(shape).join(" ");
  const misshapen = expected("a section of settings");
  return z.strictObject(shape, { error: (issue) => (issue.code === "unrecognized_keys" ? names : misshapen(issue)) });
}

/**
 * What `refine` needs for a rule on several settings of one section, so that it is judged also when some other setting
 * is wrong, and all problems are told at once. Where a setting is wrong the rule sees an odd object in its place.
 */
export function rule(message: string) {
  return {
    error: message,
    when: ({ value }: { readonly value: unknown }) => typeof value === "object" && value !== null,
  };
}

function expected(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => (input === undefined ? "is missing; it is required" : `${what} is expected here`);
}

/** A section that may be switched: `off` (also `false`) gives undefined, `on` (also `true`) the section's defaults. */
export function switchable<S extends z.ZodType>(inner: S) {
  return z.unknown().transform((written, context): z.output<S> | undefined => {
    const word = typeof written === "string" ? onOff(written) : undefined;
    if (word === "off") return undefined;
    const result = inner.safeParse(word === "on" ? {} : written);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const { path, message } = issue;
      // Every message of ours is complete; of the kinds of issue only unknown keys are told apart later.
      if (issue.code !== "unrecognized_keys") context.issues.push({ code: "custom", path, message, input: written });
      else context.issues.push({ code: issue.code, keys: issue.keys, path, message, input: {} });
    }
    return z.NEVER;
  });
}

function onOff(written: string): string {
  return written === "true" ? "on" : written === "false" ? "off" : written;
}
