import { described } from "./described.ts";
import { schema } from "./schema.ts";
import { fileForm, type JsonSchema } from "./values/file-form.ts";

/**
 * JSON Schema (draft 7, which editors support best) of the configuration file. `check` also finds what it cannot express:
 * the ranges of durations and sizes, and the rules on several settings.
 */
export function editorSchema(): JsonSchema {
  const dialect = "http://json-schema.org/draft-07/schema#";
  return { $schema: dialect, title: "Configuration of wazuh-dfn", ...complete(fileForm(schema)) };
}

/** With all that zod does not know of the file: an empty value means the default, and a section may be required. */
function complete(form: JsonSchema): JsonSchema {
  const { $comment: _, default: preset, ...kept } = form;
  const { anyOf, properties, required = [] } = kept;
  const result: JsonSchema = { ...kept };
  if (form.description !== undefined) result.description = described(form);
  if (preset !== undefined && form.type !== "object") result.default = preset;
  if (anyOf !== undefined) result.anyOf = anyOf.map((one) => (typeof one === "boolean" ? one : complete(one)));
  if (properties === undefined) return result;
  result.properties = {};
  result.required = [...required];
  for (const [name, setting] of Object.entries(properties)) {
    if (typeof setting === "boolean") continue;
    const isRequired = required.includes(name) || (setting.required ?? []).length > 0;
    if (isRequired && !required.includes(name)) result.required.push(name);
    result.properties[name] = isRequired ? complete(setting) : orEmpty(complete(setting));
  }
  return result;
}

function orEmpty(form: JsonSchema): JsonSchema {
  const { type, anyOf } = form;
  if (form.enum !== undefined) return { ...form, enum: [...form.enum, null] };
  if (anyOf !== undefined) return { ...form, anyOf: [...anyOf, { type: "null" }] };
  if (type === undefined) return form;
  return { ...form, type: Array.isArray(type) ? [...type, "null"] : [type, "null"] };
}
