/** The value, if a test knows that there is one. */
export function present<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Error("a value that the test relies on is absent");
  return value;
}
