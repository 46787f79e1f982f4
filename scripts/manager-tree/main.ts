/**
 * `manager-tree.cjs`: what the install scripts do in the manager's tree, large parts of which belong to user wazuh. A
 * shell has no way to open a file without following a link, or to say which directory it means when a path is moved.
 */
import { closeSync, constants, fsyncSync, openSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readRegularFileSync } from "../../daemon/disk/read-file.ts";
import { describe, DfnError, exitCodes } from "../../daemon/errors.ts";
import { type Directory, isOneDirectory, Missing, walk, walkToFile } from "./directory.ts";
import { type Attributes, changed, copyAttributes, openFile, type OpenFile, place, remove } from "./files.ts";
import { judgePrograms, look, printable } from "./look.ts";

const usage = `usage: node manager-tree.cjs COMMAND OPTION...
  judge --home DIR                       whether root may run the manager's programs
  look --home DIR --into DIR --snippets DIR [--tolerant] [--spare "SECTION..."]
                                         what the installer has to know, as files
  keep --home DIR --at PATH --into FILE  copies a file of the manager, with owner, mode and labels
  put --home DIR --at PATH --from FILE --temp NAME
      (--owner UID:GID --mode MODE | --like-there | --like-source) [--replaces FILE | --whatever]
                                         puts a file in place, by one rename; --replaces: only for one with this
                                         content; --whatever: also for a link or a pipe
  remove --home DIR --at PATH            removes a file of the manager
  take --from FILE --into FILE           copies a file that an administrator named
Everywhere: --root DIR, the top of an image. PATH is relative to the manager's home. Exit codes as in sysexits.h.`;

/** ossec.conf, rules, scripts. */
const maxFileBytes = 16 * 1024 * 1024;
/** Certificates and keys. */
const maxTakenBytes = 1024 * 1024;

const commands: ReadonlyMap<string, (call: Call) => void> = new Map([
  ["judge", (call) => judgePrograms(call.root, call.need("home"))],
  ["look", lookThere],
  ["keep", keep],
  ["put", put],
  ["remove", removeThere],
  ["take", take],
]);

process.umask(0o077);
try {
  run(process.argv[2], process.argv.slice(3));
} catch (reason) {
  const text = describe(reason);
  process.stderr.write(`${text === usage ? text : printable(text)}\n`);
  process.exitCode = reason instanceof DfnError ? reason.exitCode : exitCodes.IO;
}

function run(command: string | undefined, args: string[]): void {
  const act = command === undefined ? undefined : commands.get(command);
  if (act === undefined) throw new DfnError("USAGE", usage);
  act(parseCall(args));
}

interface Call {
  readonly root: string;
  need(name: string): string;
  value(name: string): string | undefined;
  has(name: string): boolean;
}

function parseCall(args: string[]): Call {
  const names = ["root", "home", "into", "snippets", "spare", "at", "from", "temp", "owner", "mode", "replaces"];
  const flags = ["tolerant", "like-there", "like-source", "whatever"];
  const { values } = parseArgs({
    args,
    options: Object.fromEntries([
      ...names.map((name) => [name, { type: "string" as const }] as const),
      ...flags.map((name) => [name, { type: "boolean" as const }] as const),
    ]),
  });
  const all: Readonly<Record<string, unknown>> = values;
  const value = (name: string): string | undefined => {
    const found = all[name];
    return typeof found === "string" ? found : undefined;
  };
  const need = (name: string): string => {
    const found = value(name);
    if (found === undefined) throw new DfnError("USAGE", usage);
    return found;
  };
  return { root: value("root") ?? "/", need, value, has: (name) => all[name] === true };
}

/** Enters the directory of `--at`, and makes sure afterwards that its path still leads there. */
function inDirectoryOf(call: Call, act: (directory: Directory, name: string) => void): void {
  const [home, path] = [call.need("home"), call.need("at")];
  const slash = path.lastIndexOf("/");
  if (slash < 0 || path.split("/").includes("..")) throw new DfnError("USAGE", usage);
  const above = `${home}/${path.slice(0, slash)}`;
  using directory = walk(call.root, above);
  act(directory, path.slice(slash + 1));
  using again = walk(call.root, above);
  if (!isOneDirectory(directory, again)) {
    throw new DfnError(
      "IO",
      `${directory.path} was moved by somebody while the installer worked in it: run this again`,
    );
  }
}

function lookThere(call: Call): void {
  look({
    root: call.root,
    home: call.need("home"),
    into: call.need("into"),
    snippets: call.need("snippets"),
    isTolerant: call.has("tolerant"),
    spared: (call.value("spare") ?? "").split(" "),
  });
}

function put(call: Call): void {
  using source = sourceOf(call.need("from"), maxFileBytes);
  const tempName = call.need("temp");
  inDirectoryOf(call, (directory, name) => {
    const content = source.content;
    if (call.has("whatever")) {
      place({ directory, name, tempName, content, attributes: attributesOf(call, source, undefined) });
      return;
    }
    using there = openFile(directory, name, maxFileBytes);
    const expected = call.value("replaces");
    if (expected !== undefined) {
      const known = readRegularFileSync(expected, { maxBytes: maxFileBytes, links: "refuse" });
      if (there?.content.equals(known) !== true) throw changed(`${directory.path}/${name}`);
    }
    place({ directory, name, tempName, content, attributes: attributesOf(call, source, there), replaces: there });
  });
}

function attributesOf(call: Call, source: OpenFile, there: OpenFile | undefined): Attributes {
  if (call.has("like-source")) return { like: source };
  if (call.has("like-there") && there !== undefined) return { like: there };
  const [uid, gid] = (/^(\d+):(\d+)$/.exec(call.need("owner")) ?? []).slice(1).map(Number);
  const mode = /^0?[0-7]{3}$/.test(call.need("mode")) ? Number.parseInt(call.need("mode"), 8) : undefined;
  if (uid === undefined || gid === undefined || mode === undefined) throw new DfnError("USAGE", usage);
  return { uid, gid, mode };
}

/** Where the directory is not there, nothing has to be removed. */
function removeThere(call: Call): void {
  try {
    inDirectoryOf(call, remove);
  } catch (reason) {
    if (!(reason instanceof Missing)) throw reason;
  }
}

function keep(call: Call): void {
  inDirectoryOf(call, (directory, name) => {
    using file = openFile(directory, name, maxFileBytes);
    if (file === undefined) throw new Missing(`${directory.path}/${name}`);
    writeNew(call.need("into"), file.content, (fd) => copyAttributes(file.fd, fd, file.path));
  });
}

function take(call: Call): void {
  using file = sourceOf(resolve(call.need("from")), maxTakenBytes);
  writeNew(call.need("into"), file.content, () => {});
}

function sourceOf(path: string, maxBytes: number): OpenFile {
  const { directory, name } = walkToFile("/", path);
  using above = directory;
  const file = openFile(above, name, maxBytes);
  if (file === undefined) throw new Missing(path);
  return file;
}

/** In a directory that only root may write to. */
function writeNew(path: string, content: Buffer, finish: (fd: number) => void): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeFileSync(fd, content);
    finish(fd);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
