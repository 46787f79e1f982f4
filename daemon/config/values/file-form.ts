import { z } from "zod";

/** JSON Schema of what the file may hold. `$comment` has the range of a number, which a pattern cannot express. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The unit of a number in the code, which is the end of its name there. */
export type Unit = "Ms" | "Bytes";

interface FileForm {
  readonly json: () => JsonSchema;
  readonly unit?: Unit;
}

const forms = z.registry<FileForm>();

/** Notes the form of a setting in the file, which zod cannot derive from the code that reads it. @returns the schema */
export function withForm<S extends z.ZodType>(schema: S, form: FileForm): S {
  forms.add(schema, form);
  return schema;
}

/** The unit of a setting, whatever default and description it has been given. */
export function unitOf(schema: z.core.$ZodType): Unit | undefined {
  const inner = schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional ? schema.unwrap() : undefined;
  return inner === undefined ? forms.get(schema)?.unit : unitOf(inner);
}

/** JSON Schema of what the file may hold for a setting or section. */
export function fileForm(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      // Examples are taken for examples of the parsed value by zod, and left out.
      const examples = z.globalRegistry.get(zodSchema)?.["examples"];
      Object.assign(jsonSchema, forms.get(zodSchema)?.json(), examples === undefined ? {} : { examples });
    },
  });
  return json;
}
