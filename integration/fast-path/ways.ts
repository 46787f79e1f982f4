/** The ways that custom-dfn.sh knows, and how one is written into it. */
import { accessSync, constants } from "node:fs";

/**
 * In the order of preference: the package's own program costs the least, and needs nothing of the system. It and perl
 * check the alert as the bundled way does.
 */
export const ways = ["own", "perl", "nc", "socat"] as const;

export type WayName = (typeof ways)[number];

/** A way that this system may have: whole paths, because integratord's environment may have no PATH. */
export interface Way {
  readonly name: WayName;
  readonly tool: string;
  /** From coreutils; for nc and socat, the others keep the time themselves. */
  readonly timeout?: string;
  readonly tail?: string;
}

/**
 * Program names of each way. `nc` is several programs: only OpenBSD's has the options, and a test call shows which it is. ncat is
 * left out: it takes longer to start than Node.
 */
const programs: Readonly<Record<Exclude<WayName, "own">, readonly string[]>> = {
  perl: ["perl"],
  nc: ["nc.openbsd", "nc"],
  socat: ["socat"],
};

const directories = ["/usr/bin", "/bin"];

/**
 * Undefined when a program of it is not there.
 * @param near where the package's own program may be
 */
export function findWay(name: WayName, near: readonly string[]): Way | undefined {
  if (name === "own") {
    const own = near.map((directory) => `${directory}/hand-over`).find(isExecutable);
    return own === undefined ? undefined : { name, tool: own };
  }
  const tool = programs[name].map(find).find((path) => path !== undefined);
  const timeout = find("timeout");
  const tail = find("tail");
  if (tool === undefined || timeout === undefined || tail === undefined) return undefined;
  return { name, tool, timeout, tail };
}

function find(program: string): string | undefined {
  return directories.map((directory) => `${directory}/${program}`).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * custom-dfn as it is installed.
 * @param script text of custom-dfn.sh
 * @param lib absolute path of the directory that holds the package's Node and custom-dfn.cjs when custom-dfn is called
 * @param way undefined: the bundled way
 * @throws Error when the path has characters that mean something to a shell, or the script has no place for a setting
 */
export function render(script: string, lib: string, way: Way | undefined): string {
  if (!/^\/[-/._0-9A-Za-z]*$/.test(lib)) throw new Error(`--lib ${lib}: not an absolute path of plain characters`);
  const settings = { lib, way: way?.name ?? "bundled", tool: way?.tool, timeout: way?.timeout, tail: way?.tail };
  let text = script;
  for (const [name, value] of Object.entries(settings)) {
    const line = new RegExp(`^${name}=.*$`, "m");
    if (!line.test(text)) throw new Error(`custom-dfn.sh has no line ${name}=`);
    text = text.replace(line, `${name}=${value ?? ""}`);
  }
  return text;
}
