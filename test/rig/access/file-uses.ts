/** What a program did with files, from strace's output. */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export type Action =
  "read" | "write" | "create" | "remove" | "rename" | "attributes" | "link" | "lock" | "map" | "connect" | "watch";

export interface FileUse {
  /** Absolute, without links in it. */
  readonly path: string;
  readonly kind: "file" | "directory" | "socket" | "device";
  readonly action: Action;
}

/** Successful calls that name a file; `?` because not every processor has each. */
const calls =
  "?open,openat,?creat,?unlink,unlinkat,?rename,?renameat,renameat2,?mkdir,mkdirat,?rmdir,?link,linkat,?symlink," +
  "symlinkat,?chmod,fchmod,?fchmodat,?fchmodat2,?chown,fchown,fchownat,truncate,ftruncate,connect,bind,execve,mmap," +
  "flock,inotify_add_watch";

/** strace's arguments: one file for each thread, so that no call is split into two lines, and times to sort by. */
export function straceArguments(logs: string): string[] {
  return ["-ff", "-ttt", "-y", "-z", "-qq", "-s", "4096", "-e", `trace=${calls}`, "-e", "signal=none", "-o", logs];
}

/**
 * @param logs the files that strace wrote to
 * @throws Error when a line is of a call that is not known here
 */
export function readFileUses(logs: string): FileUse[] {
  const lines = readdirSync(dirname(logs))
    .filter((name) => name.startsWith(`${basename(logs)}.`))
    .flatMap((name) => readFileSync(join(dirname(logs), name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .toSorted();
  const found = new Map<string, FileUse>();
  /** By descriptor: the file it was last opened for. */
  const open = new Map<string, string>();
  for (const line of lines) {
    const [, descriptor = "", target = ""] = / = (\d+)<(\/.*)>$/.exec(line) ?? [];
    if (descriptor !== "") open.set(descriptor, target);
    for (const [name, action, kind] of usesOf(line)) {
      const path = behindDescriptor(name, open);
      const use = { path: withoutLinks(path), action, kind: kind ?? kindOf(path) };
      found.set(JSON.stringify(use), use);
    }
  }
  return [...found.values()];
}

type Raw = readonly [path: string, action: Action, kind?: FileUse["kind"] | undefined];

function usesOf(line: string): Raw[] {
  const [, call = "", args = "", result = ""] = /^[\d.]+ (\w+)\((.*)\) += (.*)$/.exec(line) ?? [];
  if (call === "") throw new Error(`strace wrote a line that is not understood: ${line}`);
  switch (call) {
    case "open":
    case "openat":
    case "creat":
      return opened(call === "creat" ? "O_WRONLY|O_CREAT" : args, opening(result));
    case "mmap":
      return /PROT_\w*EXEC|PROT_EXEC/.test(args) ? descriptors(args).map((path) => [path, "map"]) : [];
    case "flock":
      return descriptors(args).map((path) => [path, "lock"]);
    case "fchmod":
    case "fchown":
      return descriptors(args).map((path) => [path, "attributes"]);
    case "ftruncate":
      return descriptors(args).map((path) => [path, "write"]);
    case "connect":
    case "bind":
      return socketPaths(args).map((path) => [path, call === "bind" ? "create" : "connect", "socket"]);
    case "execve":
      return named(args)
        .slice(0, 1)
        .map((path) => [path, "map"]);
    case "inotify_add_watch":
      return named(args).map((path) => [path, "watch"]);
    case "mkdir":
    case "mkdirat":
      return named(args).map((path) => [path, "create", "directory"]);
    case "rmdir":
      return named(args).map((path) => [path, "remove", "directory"]);
    case "link":
    case "linkat":
      return named(args).map((path, index) => [path, index === 0 ? "link" : "create"]);
    case "symlink":
    case "symlinkat":
      return named(args).map((path) => [path, "create"]);
    case "unlink":
    case "unlinkat":
      return named(args).map((path) => [path, "remove"]);
    case "rename":
    case "renameat":
    case "renameat2":
      return named(args).map((path) => [path, "rename"]);
    default:
      return named(args).map((path) => [path, call.includes("trunc") ? "write" : "attributes"]);
  }
}

function opened(flags: string, path: string | undefined): Raw[] {
  if (path === undefined || flags.includes("O_PATH")) return [];
  const kind = flags.includes("O_DIRECTORY") ? "directory" : undefined;
  const uses: Raw[] = [];
  if (!flags.includes("O_WRONLY")) uses.push([path, "read", kind]);
  if (/O_WRONLY|O_RDWR/.test(flags)) uses.push([path, "write", kind]);
  if (flags.includes("O_CREAT")) uses.push([path, "create", kind]);
  return uses;
}

/** The file that a new descriptor refers to, as the kernel names it. */
function opening(result: string): string | undefined {
  return /^\d+<(\/.*)>$/.exec(result)?.[1]?.replace(/ ?\(deleted\)$/, "");
}

function descriptors(args: string): string[] {
  return [...args.matchAll(/\b\d+<(\/[^>]*)>/g)].map(([, path = ""]) => path.replace(/ ?\(deleted\)$/, ""));
}

function socketPaths(args: string): string[] {
  return [...args.matchAll(/sun_path="(\/[^"]*)"/g)].map(([, path = ""]) => path);
}

/** Paths in quotes; a relative one starts from the descriptor before it. */
function named(args: string): string[] {
  const found = [...args.matchAll(/(?:(?:AT_FDCWD|\d+)<(\/[^>]*)>, )?"([^"]*)"/g)];
  return found.map(([, directory = "/", path = ""]) => (path.startsWith("/") ? path : join(directory, path)));
}

/** What the kernel judges is the file behind `/proc/self/fd/N`, whatever its path is by then. */
function behindDescriptor(path: string, open: ReadonlyMap<string, string>): string {
  const [, descriptor = "", rest = ""] = /^\/proc\/(?:self|\d+)\/fd\/(\d+)(.*)$/.exec(path) ?? [];
  const target = open.get(descriptor);
  return target === undefined ? path : `${target}${rest}`;
}

/** The last name may be gone, or be a link that was made. */
function withoutLinks(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

function kindOf(path: string): FileUse["kind"] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return "directory";
  if (found?.isCharacterDevice() === true) return "device";
  return found?.isSocket() === true || path.endsWith(".sock") ? "socket" : "file";
}
