/**
 * Compares the Node that comes from the npm registry with the one that the Node project signs. The builder brings the
 * files of https://nodejs.org/dist/v<version>/ and the releasers' keys; nothing is fetched here.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, errnoOf } from "../../daemon/errors.ts";
import { howToInstall, installPrograms } from "../kafka/programs.ts";
import type { Arch } from "./entry.ts";

export interface NodeDist {
  /** Holds `SHASUMS256.txt` with `SHASUMS256.txt.sig`, or `SHASUMS256.txt.asc`, and `node-v<version>-linux-<arch>.tar.xz`. */
  readonly directory: string;
  /** A keyring as gpgv takes it: not armoured. Every key in it is trusted. */
  readonly keys: string;
}

export interface NodeBinary {
  readonly version: string;
  readonly arch: Arch;
  /** What is packed. */
  readonly node: Buffer;
}

/** A Node binary has 120 MB. */
const maxBinaryBytes = 512 * 1024 * 1024;

/** What gpgv says of a signature that is right in itself, but that no release should rely on. */
const doubts: Readonly<Record<string, string>> = {
  EXPSIG: "the signature has expired",
  EXPKEYSIG: "the key has expired: get the releasers' present keys",
  REVKEYSIG: "the key has been revoked",
};

/**
 * Verifies the signature of the list of checksums, the checksum of the archive, and that the binary in it is, byte for
 * byte, the one that is packed.
 * @param aside directory for copies, so that what is verified is what is used
 * @returns fingerprint of the key that signed the list
 * @throws Error when one of them is not so, or a file or a tool is missing
 */
export function verifyNode({ directory, keys }: NodeDist, binary: NodeBinary, aside: string): string {
  const { list, fingerprint } = signedList(directory, keys, mkdtempSync(join(aside, "signed-")));
  const bare = `node-v${binary.version}-linux-${binary.arch}`;
  const archive = readPart(directory, `${bare}.tar.xz`);
  const digest = createHash("sha256").update(archive).digest("hex");
  const lines = list.split("\n").filter((line) => line.endsWith(`  ${bare}.tar.xz`));
  if (lines.length !== 1) throw new Error(`the signed list in ${directory} names ${bare}.tar.xz ${lines.length} times`);
  if (lines[0] !== `${digest}  ${bare}.tar.xz`) {
    throw new Error(`${join(directory, bare)}.tar.xz has the SHA-256 ${digest}, and the signed list says: ${lines[0]}`);
  }
  if (!unpackBinary(archive, `${bare}/bin/node`).equals(binary.node)) {
    throw new Error(
      `the Node of the npm package node-linux-${binary.arch}@${binary.version} is not the one that the Node project ` +
        `signed (${bare}.tar.xz): do not ship it, and report it`,
    );
  }
  return fingerprint;
}

/** The list of checksums as it was signed, and by which key. */
function signedList(directory: string, keys: string, aside: string): { list: string; fingerprint: string } {
  const missing = installPrograms(["gpgv", "xz"]);
  if (missing.length > 0) throw new Error(howToInstall(missing));
  const keyring = readPart(".", keys);
  if (keyring.toString("latin1", 0, 10) === "-----BEGIN") {
    throw new Error(`${keys} is armoured, and gpgv wants it binary: gpg --dearmor <${keys} >keys.gpg`);
  }
  const paths = { keys: join(aside, "keys"), list: join(aside, "list"), signature: join(aside, "signature") };
  writeFileSync(paths.keys, keyring);
  const detached = readIfPresent(directory, "SHASUMS256.txt.sig");
  writeFileSync(paths.signature, detached ?? readPart(directory, "SHASUMS256.txt.asc"));
  const options = ["--keyring", paths.keys, "--weak-digest", "SHA1", "--status-fd", "1"];
  if (detached === undefined) {
    // What was signed is inside the signature; what is around it is not in what gpgv writes.
    options.push("--output", paths.list, paths.signature);
  } else {
    writeFileSync(paths.list, readPart(directory, "SHASUMS256.txt"));
    options.push(paths.signature, paths.list);
  }
  const { status, stdout, stderr } = spawnSync("gpgv", options, { encoding: "utf8" });
  const words = new Map(stdout.split("\n").flatMap((line) => parseStatus(line)));
  for (const [word, doubt] of Object.entries(doubts)) {
    if (words.has(word)) throw new Error(`SHASUMS256.txt in ${directory} is signed, but ${doubt}`);
  }
  // gpgv ends with 0 also when it doubts.
  const fingerprint = words.get("VALIDSIG");
  if (status === 0 && words.has("GOODSIG") && fingerprint !== undefined) {
    return { list: readFileSync(paths.list, "utf8"), fingerprint };
  }
  throw new Error(`SHASUMS256.txt in ${directory} is not signed by a key in ${keys}: ${stderr.trim()}`);
}

/** The word of a status line of GnuPG, and its first value. */
function parseStatus(line: string): [word: string, value: string][] {
  const [, word, value = ""] = /^\[GNUPG:\] (\S+) ?(\S*)/.exec(line) ?? [];
  return word === undefined ? [] : [[word, value]];
}

function unpackBinary(archive: Buffer, member: string): Buffer {
  const { status, stdout, stderr, error } = spawnSync("tar", ["-xJO", "-f", "-", member], {
    input: archive,
    maxBuffer: maxBinaryBytes,
  });
  if (status !== 0) throw new Error(`${member} cannot be unpacked: ${error?.message ?? stderr.toString().trim()}`);
  return stdout;
}

function readPart(directory: string, name: string): Buffer {
  try {
    return readFileSync(resolve(directory, name));
  } catch (reason) {
    throw new Error(`Node cannot be compared with what the Node project signs: ${describe(reason)}`, { cause: reason });
  }
}

function readIfPresent(directory: string, name: string): Buffer | undefined {
  try {
    return readFileSync(join(directory, name));
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return undefined;
    throw reason;
  }
}
