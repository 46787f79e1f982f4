import type { z } from "zod";
import { schema } from "./schema.ts";
import { fileForm, type JsonSchema } from "./values/file-form.ts";

/** A setting or a section, as the sample and the documentation show it. */
export interface DescribedSetting {
  readonly name: string;
  /** One paragraph, with the range of a number as its last sentence. */
  readonly description: string;
  readonly isRequired: boolean;
  /** As the file would have it; undefined if there is none. */
  readonly preset: unknown;
  /** A value that is allowed, for a setting without default. */
  readonly example: unknown;
  /** Undefined for a setting; those of a section may be none. */
  readonly settings: readonly DescribedSetting[] | undefined;
}

/** Everything at the top of the configuration file, in the order of `config print`. */
export function describedSettings(): readonly DescribedSetting[] {
  return settingsOf(fileForm(schema));
}

function settingsOf({ properties = {}, required = [] }: JsonSchema): DescribedSetting[] {
  return Object.entries(properties).flatMap(([name, form]) => {
    // The file may not hold it.
    if (typeof form === "boolean" || form.not !== undefined) return [];
    const section = sectionOf(form);
    return {
      name,
      description: described(form),
      isRequired: required.includes(name),
      preset: form.default,
      example: form.examples?.[0],
      settings: section === undefined ? undefined : settingsOf(section),
    };
  });
}

/** The description of a setting, with its range. */
export function described({ description = "", $comment }: JsonSchema): string {
  return $comment === undefined ? description : `${description} From ${$comment}.`;
}

/** The section itself, or the one that may be switched. */
function sectionOf(form: JsonSchema): JsonSchema | undefined {
  const forms: readonly z.core.JSONSchema.BaseSchema[] = [form, ...(form.anyOf ?? [])];
  return forms.find(({ type }) => type === "object");
}
