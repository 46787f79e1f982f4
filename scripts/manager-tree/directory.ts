/**
 * Directories that others may write to, entered by root. A path is walked one name at a time, each directory is opened
 * without following a link and stays open, and what is in it is reached through its descriptor
 * (`/proc/self/fd/N/name`): whoever renames a directory or puts a link in its place gains nothing, because the path is
 * never asked again.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, type BigIntStats } from "node:fs";
import { DfnError, errnoOf } from "../../daemon/errors.ts";

/** As the kernel bounds it (path_resolution(7)). */
const maxLinks = 40;

/** There is nothing of that name. */
export class Missing extends DfnError {
  constructor(path: string) {
    super("UNAVAILABLE", `there is no ${path}`);
  }
}

/** What a directory is, whatever it is called by now. */
export class Directory implements Disposable {
  /** As it was walked, for messages. */
  readonly path: string;
  readonly stats: BigIntStats;
  /**
   * Whether only root can change what its path leads to: it, and each directory above it, belongs to root, and nobody
   * else may write there, or only next to what is root's (a sticky directory such as /tmp).
   */
  readonly isRoots: boolean;
  readonly #fd: number;

  private constructor(path: string, fd: number, above: Directory | undefined) {
    this.path = path;
    this.#fd = fd;
    this.stats = fstatSync(fd, { bigint: true });
    this.isRoots = isOnlyRoots(this.stats) && (above === undefined || above.guards(this.stats));
  }

  /** @throws what the system says */
  static top(): Directory {
    return new Directory("/", openSync("/", constants.O_RDONLY | constants.O_DIRECTORY), undefined);
  }

  /**
   * A directory in this one. A symbolic link is never followed.
   * @throws Missing; DfnError IO when it is something else
   */
  enter(name: string): Directory {
    const path = this.path === "/" ? `/${name}` : `${this.path}/${name}`;
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    try {
      return new Directory(path, openSync(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW), this);
    } catch (reason) {
      const errno = errnoOf(reason);
      if (errno === "ENOENT") throw new Missing(path);
      const what =
        errno === "ENOTDIR" || errno === "ELOOP"
          ? `is a symbolic link or a file and not a directory; ${unexpected}`
          : `cannot be entered (${errno})`;
      throw new DfnError("IO", `${path} ${what}`);
    }
  }

  /** The path of something in it, that goes with the directory wherever that is moved. For one name without `/`. */
  at(name: string): string {
    if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
      throw new DfnError("IO", `"${name}" is not a file name`);
    }
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  /** The directory itself, for listing and syncing it. */
  get self(): string {
    return `/proc/self/fd/${this.#fd}`;
  }

  /** Whether nobody but root can put something else in the place of an entry that is like this. */
  guards(entry: BigIntStats): boolean {
    if (this.isRoots) return true;
    const isSticky = (this.stats.mode & 0o1000n) !== 0n;
    return this.stats.uid === 0n && isSticky && entry.uid === 0n;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

export const unexpected = "somebody has put it there. Remove it, see who did, and run this again";

function isOnlyRoots({ uid, mode }: BigIntStats): boolean {
  return uid === 0n && (mode & 0o022n) === 0n;
}

/**
 * Walks to a directory from the top of a system.
 * @param root where absolute links lead from: `/`, or the top of an image
 * @param names of the directories, one below the other
 * @throws Missing; DfnError IO at a link that others than root could have put there
 */
export function walk(root: string, path: string): Directory {
  const base = (): Directory => enterAll(Directory.top(), root, () => Directory.top());
  return enterAll(base(), path, base);
}

/**
 * Walks to a file, following links that nobody but root can have made; the file itself is not opened.
 * @param path absolute
 */
export function walkToFile(root: string, path: string): { directory: Directory; name: string } {
  let at = path;
  for (let links = 0; links <= maxLinks; links++) {
    const slash = at.lastIndexOf("/");
    const directory = walk(root, at.slice(0, slash));
    const name = at.slice(slash + 1);
    try {
      const link = linkIn(directory, name);
      if (link === undefined) return { directory, name };
      at = link.startsWith("/") ? link : `${directory.path}/${link}`;
    } catch (reason) {
      directory[Symbol.dispose]();
      throw reason;
    }
    directory[Symbol.dispose]();
  }
  throw new DfnError("IO", `${path}: too many symbolic links`);
}

export function isOneDirectory(one: Directory, other: Directory): boolean {
  return one.stats.dev === other.stats.dev && one.stats.ino === other.stats.ino;
}

/** Follows links that nobody but root can have made. Takes `from` over: it is closed, or returned. */
function enterAll(from: Directory, path: string, top: () => Directory): Directory {
  let at = from;
  const above: Directory[] = [];
  const rest = path.split("/").filter((name) => name !== "" && name !== ".");
  let links = 0;
  try {
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === "..") {
        const parent = above.pop();
        if (parent !== undefined) {
          at[Symbol.dispose]();
          at = parent;
        }
        continue;
      }
      const link = linkIn(at, name);
      if (link === undefined) {
        const below = at.enter(name);
        above.push(at);
        at = below;
        continue;
      }
      if (++links > maxLinks) throw new DfnError("IO", `${path}: too many symbolic links`);
      if (link.startsWith("/")) {
        for (const one of [...above.splice(0), at]) one[Symbol.dispose]();
        at = top();
      }
      rest.unshift(...link.split("/").filter((part) => part !== "" && part !== "."));
    }
  } catch (reason) {
    at[Symbol.dispose]();
    throw reason;
  } finally {
    for (const one of above) one[Symbol.dispose]();
  }
  return at;
}

/**
 * Where a link leads that root made: it is in a directory in which nobody else could have put one.
 * @returns undefined for anything else, which is then entered without following
 */
function linkIn(directory: Directory, name: string): string | undefined {
  const stats = lstatSync(directory.at(name), { bigint: true, throwIfNoEntry: false });
  if (stats === undefined || !stats.isSymbolicLink() || !directory.guards(stats)) return undefined;
  return readlinkSync(directory.at(name));
}
