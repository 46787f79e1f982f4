/** Settings under the names and in the units of the configuration file. */
export type Setting = string | number | readonly (string | number)[] | PrintedSettings;

export interface PrintedSettings {
  readonly [name: string]: Setting;
}

/** Leaves out what is not set, and empty lists, which the file may not hold. */
export function withoutUnset(settings: Readonly<Record<string, Setting | undefined>>): PrintedSettings {
  const kept: Record<string, Setting> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) kept[name] = value;
  }
  return kept;
}
