/**
 * Who decides what is at a path. For root, who must not be misled by others: the path is walked from `/` one name at a
 * time, each name checked on a descriptor of its own.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, type Stats } from "node:fs";
import { resolve } from "node:path";
import { DfnError, errnoOf } from "../errors.ts";
import { onlyNames, pathOf } from "./descriptor-path.ts";

const maxLinks = 40;
const writable = { group: 0o020, others: 0o002 } as const;
const sticky = 0o1000;

/** The end of a walk. Its descriptor is open until it is disposed. */
export class Walked implements Disposable {
  /** Refers to what is at the path; if nothing is, to the nearest directory above. */
  readonly fd: number;
  /** Its path, behind all links. */
  readonly path: string;
  readonly stats: Stats;
  /** What is not there yet, from the nearest directory on; empty when all of it is there. */
  readonly absent: readonly string[];
  /** The first directory on the way that belongs to another user than root. What is below it is that user's choice. */
  readonly foreign: { readonly path: string; readonly uid: number } | undefined;
  /** A directory below that one which belongs to a third user. */
  readonly third: string | undefined;
  /** A directory of root's on the way in which others may rename what is there. */
  readonly shared: string | undefined;

  constructor(parts: Pick<Walked, "fd" | "path" | "stats" | "absent" | "foreign" | "third" | "shared">) {
    this.fd = parts.fd;
    this.path = parts.path;
    this.stats = parts.stats;
    this.absent = parts.absent;
    this.foreign = parts.foreign;
    this.third = parts.third;
    this.shared = parts.shared;
  }

  /** A path that leads to what was found, whatever becomes of the names on the way. */
  get own(): string {
    return pathOf(this.fd, this.path);
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/**
 * Walks to a path. A symbolic link is followed if root made it in a directory that only root may write to; there it is
 * a decision of the administrator.
 * @throws DfnError IO for any other link, and for a name on the way that is not a directory; else the system's error
 */
export function walk(path: string): Walked {
  const names = resolve(path).split("/").filter(Boolean);
  let at = openSync("/", onlyNames);
  let stats = fstatSync(at);
  let walked = "/";
  let foreign: Walked["foreign"];
  let third: string | undefined;
  let shared: string | undefined;
  let links = 0;
  const move = (fd: number, found: Stats, to: string): void => {
    closeSync(at);
    at = fd;
    stats = found;
    walked = to;
  };
  const judge = (): void => {
    if (!stats.isDirectory()) return;
    if (stats.uid !== 0) {
      foreign ??= { path: walked, uid: stats.uid };
      if (foreign.uid !== stats.uid) third ??= walked;
    } else if (isShared(stats)) shared ??= walked;
  };
  try {
    judge();
    while (names.length > 0) {
      const [name = ""] = names;
      if (!stats.isDirectory()) throw new DfnError("IO", `${walked} is not a directory, and ${path} leads through it`);
      const parent = pathOf(at, walked);
      const next = openName(parent, name);
      if (next === undefined) break;
      names.shift();
      const to = walked === "/" ? `/${name}` : `${walked}/${name}`;
      const found = fstatSync(next);
      if (!found.isSymbolicLink()) {
        move(next, found, to);
        judge();
        continue;
      }
      closeSync(next);
      if (found.uid !== 0 || foreign !== undefined || shared !== undefined) throw foreignLink(to, path);
      if (++links > maxLinks) throw new DfnError("IO", `${path} leads through more than ${maxLinks} links`);
      const target = readlinkSync(`${parent}/${name}`);
      names.unshift(...target.split("/").filter((part) => part !== "" && part !== "."));
      if (target.startsWith("/")) {
        const root = openSync("/", onlyNames);
        move(root, fstatSync(root), "/");
      }
    }
    return new Walked({ fd: at, path: walked, stats, absent: names, foreign, third, shared });
  } catch (reason) {
    closeSync(at);
    throw reason;
  }
}

function openName(directory: string, name: string): number | undefined {
  try {
    return openSync(`${directory}/${name}`, onlyNames | constants.O_NOFOLLOW);
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return undefined;
    throw reason;
  }
}

/** Group 0 is root's own. In a sticky directory nobody renames what belongs to another. */
function isShared({ mode, gid }: Stats): boolean {
  if ((mode & sticky) !== 0) return false;
  return (mode & writable.others) !== 0 || (gid !== 0 && (mode & writable.group) !== 0);
}

function foreignLink(link: string, path: string): DfnError {
  const what = link === path ? `${path} is a symbolic link` : `${path} leads through ${link}, a symbolic link`;
  return new DfnError(
    "IO",
    `${what} that users other than root can change, so root does not follow it: name the directory itself`,
  );
}
