/** Between two files that are one input. */
const border = Buffer.from("\n%%\n");

export function joinParts(parts: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(parts.flatMap((part, index) => [...(index > 0 ? [border] : []), Buffer.from(part)]));
}

/** The parts of an input, `count` of them; missing ones are undefined, and any excess belongs to the last. */
export function partsOf(input: Buffer, count: number): (Buffer | undefined)[] {
  const parts: (Buffer | undefined)[] = [];
  let rest: Buffer | undefined = input;
  while (parts.length < count) {
    const end: number = parts.length === count - 1 ? -1 : (rest?.indexOf(border) ?? -1);
    parts.push(end < 0 ? rest : rest?.subarray(0, end));
    rest = end < 0 ? undefined : rest?.subarray(end + border.length);
  }
  return parts;
}
