import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs";

/**
 * Makes this process's descriptor of a file answer each read with EIO, like one of a network mount that went away: the
 * number then belongs to the process's own memory, whose first bytes can never be read.
 * @returns makes it one of a file again; to be called with the file's path
 */
export function killDescriptor(path: string): (path: string) => void {
  const link = "/proc/self/fd";
  const number = Number(readdirSync(link).find((name) => targetOf(`${link}/${name}`) === path));
  assert.ok(Number.isInteger(number), `${path} is not open`);
  replace(number, "/proc/self/mem");
  return (again) => replace(number, again);
}

/** Gives a number of this process to another file. */
function replace(number: number, path: string): void {
  closeSync(number);
  // The lowest free number is given out first; those that lie below are kept until it is taken.
  const kept: number[] = [];
  for (;;) {
    const opened = openSync(path, "r");
    if (opened === number) break;
    assert.ok(opened < number, `descriptor ${number} was given to somebody else`);
    kept.push(opened);
  }
  for (const other of kept) closeSync(other);
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return ""; // The descriptor that lists the directory is closed by now.
  }
}
