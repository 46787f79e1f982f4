/** What a test needs of JSON Schema: an independent look at what `zod` has made. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

interface Schema {
  readonly type?: string;
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

/**
 * Everything in a value that a schema does not allow, and every member of an object that it does not describe, each with
 * its place. Formats and patterns are not looked at.
 */
export function schemaViolations(schema: Schema, value: Json): string[] {
  return violations(schema, value, "");
}

function violations(schema: Schema, value: Json, at: string): string[] {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) {
    const found = alternatives.map((one) => violations(one, value, at));
    return found.toSorted((a, b) => a.length - b.length)[0] ?? [`${at}: no alternatives`];
  }
  const problems: string[] = [];
  const { type, enum: words } = schema;
  if (type !== undefined && type !== typeOf(value) && !(type === "number" && typeof value === "number")) {
    return [`${at}: ${typeOf(value)} in place of ${type}`];
  }
  if (schema.const !== undefined && schema.const !== value)
    problems.push(`${at}: is not ${JSON.stringify(schema.const)}`);
  if (words !== undefined && !words.includes(value)) problems.push(`${at}: is not one of ${JSON.stringify(words)}`);
  if (typeof value === "number" && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value))) {
    problems.push(`${at}: ${value} is out of range`);
  }
  if (typeof value === "string" && value.length > (schema.maxLength ?? Infinity)) problems.push(`${at}: is too long`);
  if (Array.isArray(value)) {
    if (value.length > (schema.maxItems ?? Infinity)) problems.push(`${at}: has too many items`);
    value.forEach((item: Json, index) => problems.push(...violations(schema.items ?? {}, item, `${at}[${index}]`)));
  } else if (typeof value === "object" && value !== null) problems.push(...membersOf(schema, value, at));
  return problems;
}

function membersOf(schema: Schema, value: object, at: string): string[] {
  const { properties = {}, required = [], additionalProperties: others } = schema;
  const isDescribed = typeof others === "object" && Object.keys(others).length > 0;
  const missing = required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}.${name}: is missing`);
  const found = Object.entries(value).flatMap(([name, member]: [string, Json]) => {
    const own = properties[name] ?? (isDescribed ? others : undefined);
    return own === undefined ? [`${at}.${name}: is not described`] : violations(own, member, `${at}.${name}`);
  });
  return [...missing, ...found];
}

function typeOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}
