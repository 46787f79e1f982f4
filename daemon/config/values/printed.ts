/** Settings under the names and in the units of the configuration file. */
export type Setting = string | number | readonly (string | number)[] | PrintedSettings;

export interface PrintedSettings {
  readonly [name: string]: Setting;
}

export function isSection(value: Setting): value is PrintedSettings {
  return typeof value === "object" && !Array.isArray(value);
}

/** Shown in place of a secret. */
export const mask = "********";
