/** Where the steps of the way of an alert are in the picture: side by side in a wide window, else below each other. */
import type { StepName } from "../way.ts";

export interface Box {
  readonly name: StepName;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Whether its figures are next to its title, not below it. */
  readonly isFlat: boolean;
}

interface Picture {
  readonly boxes: readonly Box[];
  /** `d` of SVG paths, each from one box to another; all in pixels. */
  readonly arrows: readonly string[];
  readonly height: number;
}

const wideFrom = 900;
const tall = 126;
const flat = 84;
/** Between boxes: room for an arrow. */
const gap = 34;

/** @param width in pixels @param names the steps that there are */
export function pictureOf(names: readonly StepName[], width: number): Picture {
  return width >= wideFrom ? wide(names, width) : narrow(names, width);
}

/** Steps that an alert passes on its way to the sink. */
const main: readonly StepName[] = ["relevant", "pairing", "handlers", "queue", "sink"];

function wide(names: readonly StepName[], width: number): Picture {
  const has = (name: StepName): boolean => names.includes(name);
  const passed = main.filter(has);
  const boxWidth = (width - 2 - passed.length * gap) / (passed.length + 1);
  const place = (name: StepName, column: number, row: number): Box => ({
    name,
    x: 1 + column * (boxWidth + gap),
    y: 1 + row * (tall + gap),
    width: boxWidth,
    height: tall,
    isFlat: false,
  });
  const first: readonly StepName[] = (["tail", "socket"] as const).filter(has);
  const boxes = [
    ...first.map((name, row) => place(name, 0, row)),
    ...passed.map((name, index) => place(name, index + 1, 0)),
    place("ignored", 1, 1),
    place("deadLetters", passed.indexOf("queue") + 1, 1),
  ];
  const box = new Map(boxes.map((one) => [one.name, one]));
  const arrows: string[] = [];
  const right = (from: StepName, to: StepName): void => {
    const [a, b] = [box.get(from), box.get(to)];
    if (a === undefined || b === undefined) return;
    const [y, end] = [a.y + a.height / 2, b.y + b.height / 2];
    const middle = a.x + a.width + gap / 2;
    arrows.push(y === end ? `M${a.x + a.width} ${y}H${b.x}` : `M${a.x + a.width} ${y}H${middle}V${end + 16}H${b.x}`);
  };
  const down = (from: StepName, to: StepName): void => {
    const [a, b] = [box.get(from), box.get(to)];
    if (a !== undefined && b !== undefined) arrows.push(`M${a.x + a.width / 2} ${a.y + a.height}V${b.y}`);
  };
  for (const name of first) right(name, "relevant");
  for (const [index, name] of passed.entries()) if (index > 0) right(passed[index - 1] ?? name, name);
  down("relevant", "ignored");
  down("queue", "deadLetters");
  return { boxes, arrows, height: 2 * tall + gap + 2 };
}

function narrow(names: readonly StepName[], width: number): Picture {
  const boxes: Box[] = [];
  const arrows: string[] = [];
  const inset = 44;
  const line = 22;
  const first: readonly StepName[] = names.filter((name) => name === "tail" || name === "socket");
  const firstWidth = (width - 2 - (first.length - 1) * 12) / Math.max(1, first.length);
  for (const [index, name] of first.entries()) {
    const x = 1 + index * (firstWidth + 12);
    boxes.push({ name, x, y: 1, width: firstWidth, height: tall, isFlat: false });
    arrows.push(`M${x + line} ${tall + 1}V${tall + gap + 1}`);
  }
  let y = first.length > 0 ? tall + gap + 1 : 1;
  /** Where the last box on the way ended. */
  let end: number | undefined;
  for (const name of names) {
    if (first.includes(name)) continue;
    const isAside = name === "ignored" || name === "deadLetters";
    const x = isAside ? inset : 1;
    boxes.push({ name, x, y, width: width - 1 - x, height: flat, isFlat: true });
    if (isAside) arrows.push(`M${line} ${end ?? y}V${y + flat / 2}H${x}`);
    else {
      if (end !== undefined) arrows.push(`M${line} ${end}V${y}`);
      end = y + flat;
    }
    y += flat + gap - 12;
  }
  return { boxes, arrows, height: y };
}
