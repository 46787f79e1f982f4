import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { rpmChangelogTags } from "./changelog.ts";
import { description, ownDirectoriesOf, sorted, summary, type Entry, type PackageInfo } from "./entry.ts";
import type { Gzip, Pieces } from "./gzip.ts";
import { bytes, i18n, int16, int32, rpmHeader, string, strings, type Value } from "./rpm-header.ts";
import { rpmScripts } from "./scriptlets.ts";
import { rpmTagOf, type Sign } from "./sign.ts";

const rpmArch = { x64: { name: "x86_64", number: 1 }, arm64: { name: "aarch64", number: 19 } } as const;

/** A file or a directory that the package owns. */
interface Owned extends Entry {
  /** With the bits that say what it is, as in stat. */
  readonly fullMode: number;
}

export function rpmName({ version, arch }: PackageInfo): string {
  return `wazuh-dfn-${rpmVersion(version)}-1.${rpmArch[arch].name}.rpm`;
}

/**
 * An RPM, version 4 of the format: lead, signature table (digests), table of the package, compressed cpio archive.
 * @param sign signs the table of the package, which holds the digest of the archive: what rpm 4.14 and newer ask for
 */
export async function rpm(
  entries: readonly Entry[],
  info: PackageInfo,
  gzip: Gzip,
  sign: Sign | undefined,
): Promise<Buffer> {
  const nothing = Buffer.alloc(0);
  const directories = ownDirectoriesOf(entries).map((path) => ({
    path,
    mode: 0o755,
    content: nothing,
    fullMode: 0o040755,
  }));
  const owned = sorted([...directories, ...entries.map((entry) => ({ ...entry, fullMode: 0o100000 | entry.mode }))]);
  const archive = cpio(owned, info.epochS);
  const payload = await gzip.compress(archive);
  const header = rpmHeader(63, new Map([...packageTags(info, owned, payload), ...fileTags(owned, info.epochS)]));
  const signed = sign?.(header);
  const signature = rpmHeader(
    62,
    new Map([
      ...(signed === undefined ? [] : [[rpmTagOf(signed), bytes(signed)] as const]),
      [269, string(createHash("sha1").update(header).digest("hex"))],
      [273, string(digest(header))],
      [1000, int32(header.length + payload.length)],
      [1004, bytes(createHash("md5").update(header).update(payload).digest())],
      [1007, int32(archive.reduce((sum, piece) => sum + piece.length, 0))],
    ]),
  );
  const padding = Buffer.alloc((8 - (signature.length % 8)) % 8);
  return Buffer.concat([lead(info), signature, padding, header, payload]);
}

/** Flags of a requirement of a script that runs at one moment. */
function forScript(moment: number): number {
  return (1 << 8) | (1 << moment);
}

/** A hyphen would end the version; a tilde sorts before the version itself, as a pre-release does. */
function rpmVersion(version: string): string {
  return version.replaceAll("-", "~");
}

/** 96 bytes that tools such as file(1) read; rpm itself reads the tables. */
function lead(info: PackageInfo): Buffer {
  const block = Buffer.alloc(96);
  block.set([0xed, 0xab, 0xee, 0xdb, 3, 0]);
  block.writeUInt16BE(rpmArch[info.arch].number, 8);
  block.write(`wazuh-dfn-${rpmVersion(info.version)}-1`, 10, 65, "latin1");
  block.writeUInt16BE(1, 76); // Linux
  block.writeUInt16BE(5, 78); // the signature is a table
  return block;
}

function packageTags(info: PackageInfo, owned: readonly Owned[], payload: Buffer): [number, Value][] {
  const { version, arch, epochS } = info;
  const equal = 8;
  const atMostOfRpm = (1 << 24) | 2 | equal;
  const requirements: [name: string, flags: number, version: string][] = [
    ["/bin/sh", forScript(10), ""], // after the installation
    ["/bin/sh", forScript(11), ""], // before the removal
    ["/bin/sh", forScript(12), ""], // after the removal
    // What the Node binary is linked against.
    ["libc.so.6(GLIBC_2.28)(64bit)", 0, ""],
    ["libgcc_s.so.1()(64bit)", 0, ""],
    ["libstdc++.so.6(GLIBCXX_3.4.21)(64bit)", 0, ""],
    ["rpmlib(CompressedFileNames)", atMostOfRpm, "3.0.4-1"],
    ["rpmlib(FileDigests)", atMostOfRpm, "4.6.0-1"],
    ["rpmlib(PayloadFilesHavePrefix)", atMostOfRpm, "4.0-1"],
    ...(version.includes("-")
      ? [["rpmlib(TildeInVersions)", atMostOfRpm, "4.10.0-1"] as [string, number, string]]
      : []),
  ];
  const full = `${rpmVersion(version)}-1`;
  return [
    [100, strings("C")],
    [1000, string("wazuh-dfn")],
    [1001, string(rpmVersion(version))],
    [1002, string("1")],
    [1004, i18n(summary)],
    [1005, i18n(description.join("\n"))],
    [1006, int32(epochS)],
    [1007, string("localhost")],
    [1009, int32(owned.reduce((sum, { content }) => sum + content.length, 0))],
    [1014, string(info.licence)],
    [1015, string(info.maintainer)],
    [1016, i18n("Applications/System")],
    [1021, string("linux")],
    [1022, string(rpmArch[arch].name)],
    [1024, string(rpmScripts.postin)],
    [1025, string(rpmScripts.preun)],
    [1026, string(rpmScripts.postun)],
    [1044, string(`wazuh-dfn-${full}.src.rpm`)],
    [1047, strings("wazuh-dfn")],
    [1048, int32(...requirements.map(([, flags]) => flags))],
    [1049, strings(...requirements.map(([name]) => name))],
    [1050, strings(...requirements.map(([, , version]) => version))],
    ...rpmChangelogTags(info),
    [1086, string("/bin/sh")],
    [1087, string("/bin/sh")],
    [1088, string("/bin/sh")],
    [1112, int32(equal)],
    [1113, strings(full)],
    [1124, string("cpio")],
    [1125, string("gzip")],
    [1126, string("6")],
    [5092, strings(digest(payload))],
    [5093, int32(8)], // SHA-256
  ];
}

function fileTags(owned: readonly Owned[], epochS: number): [number, Value][] {
  const directories = [...new Set(owned.map(({ path }) => `/${dirname(path)}/`))];
  const isFile = ({ fullMode }: Owned): boolean => fullMode >= 0o100000;
  const each = (value: (file: Owned, index: number) => number): number[] => owned.map(value);
  const eachText = (value: (file: Owned) => string): Value => strings(...owned.map(value));
  return [
    [1028, int32(...each(({ content }) => content.length))],
    [1030, int16(...each(({ fullMode }) => fullMode))],
    [1033, int16(...each(() => 0))],
    [1034, int32(...each(() => epochS))],
    [1035, eachText((file) => (isFile(file) ? digest(file.content) : ""))],
    [1036, eachText(() => "")],
    [1037, int32(...each((file) => (isFile(file) && /\/(?:doc|man)\//.test(file.path) ? 2 : 0)))],
    [1039, eachText(() => "root")],
    [1040, eachText(() => "root")],
    [1045, int32(...each(() => 0xffffffff))],
    [1095, int32(...each(() => 1))],
    [1096, int32(...each((_file, index) => index + 1))],
    [1097, eachText(() => "")],
    [1116, int32(...each(({ path }) => directories.indexOf(`/${dirname(path)}/`)))],
    [1117, eachText(({ path }) => basename(path))],
    [1118, strings(...directories)],
    [5011, int32(8)], // SHA-256
  ];
}

/** A cpio archive in the "new ASCII" form. */
function cpio(owned: readonly Owned[], epochS: number): Pieces {
  const pieces: Buffer[] = [];
  const member = (name: string, fields: readonly number[], content: Buffer): void => {
    const [inode = 0, mode = 0, links = 0, mtime = 0] = fields;
    const numbers = [inode, mode, 0, 0, links, mtime, content.length, 0, 0, 0, 0, name.length + 1, 0];
    const head = `070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}${name}\0`;
    pieces.push(Buffer.from(head.padEnd(Math.ceil(head.length / 4) * 4, "\0"), "latin1"));
    pieces.push(content, Buffer.alloc((4 - (content.length % 4)) % 4));
  };
  owned.forEach(({ path, fullMode, content }, index) => member(`./${path}`, [index + 1, fullMode, 1, epochS], content));
  member("TRAILER!!!", [0, 0, 1, 0], Buffer.alloc(0));
  return pieces;
}

function digest(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
