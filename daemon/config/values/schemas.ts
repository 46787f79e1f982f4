import { z } from "zod";
import { type JsonSchema, fileForm, type Unit, withForm } from "./file-form.ts";
import { inQuotes, InvalidValue } from "./problem.ts";
import { expected, onOff } from "./section.ts";
import {
  durationPattern,
  formatDuration,
  formatSize,
  type Range,
  readDuration,
  readSize,
  sizePattern,
} from "./units.ts";

// A schema checks one configuration: a function that zod generates for that costs more than it saves.
z.config({ jitless: true });

/** Maximum number of entries of any list in the configuration. */
const maxItems = 1000;

/** How one value goes from the file into the code and back. `W`: what it is in the file, which defaults must be, too. */
interface ScalarForm<T, W extends string | number> {
  /** @throws InvalidValue which says what is wrong and what is allowed */
  readonly read: (text: string) => T;
  readonly print: (value: T) => W;
  /** What an editor can check of it; a YAML parser may take digits for a number. */
  readonly json: JsonSchema;
  readonly unit?: Unit;
}

/** A setting of one value. */
export function scalar<T, W extends string | number = string>({ read, print, ...form }: ScalarForm<T, W>) {
  const written = z.custom<W>((it) => typeof it === "string" || typeof it === "number", {
    error: expected("one value"),
  });
  const codec = z.codec(written, z.custom<T>(), {
    decode(it, context): T {
      try {
        return read(String(it));
      } catch (error) {
        if (!(error instanceof InvalidValue)) throw error;
        context.issues.push({ code: "custom", message: error.message, input: it });
        return z.NEVER;
      }
    },
    encode: print,
  });
  return withForm(codec, { ...form, json: () => form.json });
}

/** A setting that stays the text that it is, once `read` has found it in order. */
export function text(read: (text: string) => string, json: JsonSchema = { type: "string" }) {
  return scalar({ read, print: (value) => value, json });
}

/** One value, a list, or text with commas between the values (environment and command line have no lists). */
export function listOf<I extends z.ZodType>(item: I) {
  const items = z
    .array(item, { error: expected("a list, or values with commas between them,") })
    .min(1, "the list is empty")
    .max(maxItems, `at most ${maxItems} values are allowed`)
    .overwrite((all) => [...new Set(all)])
    .readonly();
  const codec = z.codec(z.unknown(), items, {
    decode: (it) => splitList(it, item),
    encode: (all) => all,
  });
  return withForm(codec, {
    json() {
      const form = fileForm(item);
      const { type = "string" } = form;
      return { anyOf: [{ type: "array", items: form, minItems: 1, maxItems }, { type }] };
    },
  });
}

/** What is not a list is refused by the list's schema, as an item that is wrong is by the item's. */
function splitList<I extends z.ZodType>(written: unknown, item: I): readonly z.input<I>[];
function splitList(written: unknown): unknown {
  return typeof written === "string" ? written.split(",").map((one) => one.trim()) : written;
}

/** Like `listOf`, but may be left out, which gives an empty list. */
export function listOrNone<T>(item: z.ZodType<T>) {
  return z.codec(listOf(item).optional(), z.custom<readonly T[]>(), {
    decode: (all) => all ?? [],
    encode: (all) => (all.length === 0 ? undefined : all),
  });
}

/** A duration with its unit, in milliseconds. */
export function duration(range: Range) {
  return scalar({
    read: (written) => readDuration(written, range),
    print: (ms) => formatDuration(ms),
    json: measure(durationPattern, range, formatDuration),
    unit: "Ms",
  });
}

/** A size with its unit, in bytes. */
export function size(range: Range) {
  return scalar({
    read: (written) => readSize(written, range),
    print: (bytes) => formatSize(bytes),
    json: measure(sizePattern, range, formatSize),
    unit: "Bytes",
  });
}

/** Zero needs no unit, and may be a number. */
function measure(pattern: string, { least, most }: Range, format: (value: number) => string): JsonSchema {
  const form = { pattern, $comment: `${format(least)} to ${format(most)}` };
  return least > 0 ? { ...form, type: "string" } : { ...form, type: ["string", "integer"], minimum: 0, maximum: 0 };
}

/** A whole number without a unit. */
export function whole({ least, most }: Range) {
  return scalar<number, number>({
    read(written) {
      const value = /^\d{1,15}$/.test(written) ? Number(written) : Number.NaN;
      if (value >= least && value <= most) return value;
      throw new InvalidValue(`${inQuotes(written)} is not allowed; use a whole number from ${least} to ${most}`);
    },
    print: (value) => value,
    json: {
      type: ["integer", "string"],
      minimum: least,
      maximum: most,
      pattern: "^\\d{1,15}$",
      $comment: `${least} to ${most}`,
    },
  });
}

/** One of a few words; `on` and `off` may be written `true` and `false`. */
export function choice<const W extends string>(words: readonly W[]) {
  const truths = words.flatMap((word) => (word === "on" ? [true] : word === "off" ? [false] : []));
  return scalar<W, W>({
    read(written) {
      const word = onOff(written);
      const found = words.find((one) => one === word);
      if (found !== undefined) return found;
      throw new InvalidValue(`${inQuotes(written)} is not allowed; use one of ${words.join(", ")}`);
    },
    print: (word) => word,
    json: { enum: [...words, ...truths] },
  });
}

/** `on` or `off`, a boolean in the code. */
export function flag() {
  return z.codec(choice(["on", "off"]), z.boolean(), {
    decode: (word) => word === "on",
    encode: (isOn) => (isOn ? "on" : "off"),
  });
}

/** A name that an editor may take for a number, such as `0123`. */
export const digitsOrText: JsonSchema = { type: ["string", "integer"] };

/** A file or directory; a relative one is below the working directory. */
export function path() {
  return text(readPath);
}

/** The form of a path, without looking at the disk. Throws InvalidValue. */
function readPath(written: string): string {
  if (written.includes("\0")) throw new InvalidValue("a path holds no NUL");
  if (written.startsWith("~")) throw new InvalidValue(`${inQuotes(written)}: ~ is the shell's; write the whole path`);
  return written;
}

/** Maximum length of the path of a Unix socket in bytes: `sun_path` of unix(7) has 108, and one is the closing NUL. */
const maxSocketPathBytes = 107;

/** Like `readPath`, for a Unix socket. Throws InvalidValue. */
export function readSocketPath(written: string): string {
  const bytes = Buffer.byteLength(readPath(written));
  if (bytes <= maxSocketPathBytes) return written;
  throw new InvalidValue(`the path of a Unix socket has at most ${maxSocketPathBytes} bytes, this one has ${bytes}`);
}

/** The number of an event or a rule, as text, since leading zeros count. */
export function digits() {
  return scalar<string, string | number>({
    read(written) {
      if (/^\d{1,10}$/.test(written)) return written;
      throw new InvalidValue(`${inQuotes(written)} is not allowed; use numbers of up to 10 digits`);
    },
    print: (value) => value,
    json: { ...digitsOrText, minimum: 0, pattern: "^\\d{1,10}$" },
  });
}

/** Text that is taken as it is, of at most `maxLength` characters. */
export function free(maxLength: number) {
  const read = (written: string): string => {
    if (written.length <= maxLength && !/\p{Cc}/u.test(written)) return written;
    throw new InvalidValue(`at most ${maxLength} characters without control characters are allowed`);
  };
  return text(read, digitsOrText);
}

/** The name of a Kafka topic; the rule is that of Kafka's own `org.apache.kafka.common.internals.Topic`. */
export function topic() {
  return text(readTopic, { ...digitsOrText, pattern: "^[A-Za-z0-9_.-]{1,249}$" });
}

function readTopic(written: string): string {
  if (/^[\w.-]{1,249}$/.test(written) && written !== "." && written !== "..") return written;
  throw new InvalidValue(`${inQuotes(written)} is not a topic name; use 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-"`);
}
