import { z } from "zod";
import { type JsonSchema, fileForm, type Unit, unitOf, withForm } from "./file-form.ts";
import type { Bytes, Duration } from "./units.ts";

/** `max_line` is `maxLine`. */
type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

type UnitOf<S extends z.ZodType> =
  NonNullable<z.input<S>> extends Duration ? "Ms" : NonNullable<z.input<S>> extends Bytes ? "Bytes" : "";

type NameInCode<Name extends string, U extends Unit | ""> =
  Camel<Name> extends `${string}${U}` ? Camel<Name> : `${Camel<Name>}${U}`;

type Shape = Readonly<Record<string, z.ZodType>>;

/** A section in the code: the same names in camel case, those of durations ending in Ms, those of sizes in Bytes. */
type SectionOf<S extends Shape> = {
  readonly [Name in keyof S & string as NameInCode<Name, UnitOf<S[Name]>>]: z.output<S[Name]>;
};

/** The name in the code; see `SectionOf`. */
function nameInCode(name: string, schema: z.ZodType): string {
  const camel = name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const unit = unitOf(schema) ?? "";
  return camel.endsWith(unit) ? camel : `${camel}${unit}`;
}

type StrictObject<S extends Shape> = ReturnType<typeof z.strictObject<S>>;

/** A condition on several settings of one section. */
interface SectionRule<S extends Shape> {
  /** Settings under their names in the file. Must bear with anything in place of a setting that is wrong. */
  readonly holds: (settings: z.output<StrictObject<S>>) => boolean;
  /** What is wrong when it does not hold, and what to do. */
  readonly message: string;
}

/**
 * A section, which holds exactly the settings of `shape`. Its rules are also checked when a setting is wrong, so that all
 * problems are reported at once.
 *
 * The message of an unknown key's issue is the list of names that there are; `problemsOf` makes the sentence.
 */
export function section<const S extends Shape>(shape: S, ...rules: readonly SectionRule<S>[]) {
  const names = Object.keys(shape).join(" ");
  const misshapen = expected("a section of settings");
  const whole = z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? names : misshapen(issue)),
  });
  const inFile: z.ZodType<Record<string, unknown>, Record<string, unknown>> = rules.reduce<typeof whole>(
    (checked, { holds, message }) => checked.refine((it) => holds(it), rule(message)),
    whole,
  );
  const inCode = Object.entries(shape).map(([name, schema]) => [name, nameInCode(name, schema)] as const);
  return z.codec(inFile, z.custom<SectionOf<S>>(), {
    decode: (it) => namedInCode<S>(it, inCode),
    encode(it) {
      const settings: Readonly<Record<string, unknown>> = it;
      return Object.fromEntries(inCode.map(([name, code]) => [name, settings[code]]));
    },
  });
}

/** The type of a section follows from its shape, which TypeScript cannot see in a loop over names. */
function namedInCode<S extends Shape>(
  inFile: Readonly<Record<string, unknown>>,
  names: readonly (readonly [inFile: string, inCode: string])[],
): SectionOf<S>;
function namedInCode(
  inFile: Readonly<Record<string, unknown>>,
  names: readonly (readonly [inFile: string, inCode: string])[],
): object {
  return Object.fromEntries(names.map(([name, code]) => [code, inFile[name]]));
}

/** What `refine` needs to check a rule also when a setting is wrong. */
function rule(message: string) {
  return {
    error: message,
    when: ({ value }: { readonly value: unknown }) => typeof value === "object" && value !== null,
  };
}

/** The message for a value of the wrong type, or for none. */
export function expected(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => (input === undefined ? "is missing; it is required" : `${what} is expected here`);
}

/** What a switch may be in the file. */
const switchWords: JsonSchema = { enum: ["on", "off", true, false] };

/** A section that may be switched: `off` (also `false`) gives undefined, `on` (also `true`) the section's defaults. */
export function switchable<S extends z.ZodType>(inner: S) {
  const codec = z.codec(z.unknown(), z.custom<z.output<S> | undefined>(), {
    decode(written, context): z.output<S> | undefined {
      const word = typeof written === "string" ? onOff(written) : undefined;
      if (word === "off") return undefined;
      const result = inner.safeParse(word === "on" ? {} : written);
      if (result.success) return result.data;
      for (const issue of result.error.issues) {
        const { path, message } = issue;
        // Every message of ours is complete; of the kinds of issue only unknown keys are treated separately later.
        if (issue.code !== "unrecognized_keys") context.issues.push({ code: "custom", path, message, input: written });
        else context.issues.push({ code: issue.code, keys: issue.keys, path, message, input: {} });
      }
      return z.NEVER;
    },
    encode(settings) {
      if (settings === undefined) return "off";
      const printed = z.encode(inner, settings);
      return Object.keys(Object(printed)).length === 0 ? "on" : printed;
    },
  });
  return withForm(codec, { json: () => ({ anyOf: [switchWords, fileForm(inner)] }) });
}

/** `true` is `on`, `false` is `off`. */
export function onOff(written: string): string {
  return written === "true" ? "on" : written === "false" ? "off" : written;
}
