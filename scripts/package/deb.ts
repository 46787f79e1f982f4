import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../repository.ts";
import { debChangelog } from "./changelog.ts";
import { description, ownDirectoriesOf, sorted, summary, text, type Entry, type PackageInfo } from "./entry.ts";
import { gzipBest, type Gzip } from "./gzip.ts";
import { debScripts } from "./scriptlets.ts";
import { tar } from "./tar.ts";

const debArch = { x64: "amd64", arm64: "arm64" } as const;

export function debName({ version, arch }: PackageInfo): string {
  return `wazuh-dfn_${debVersion(version)}_${debArch[arch]}.deb`;
}

/** A Debian package, deb(5): an ar archive of the format's version, the control files and the files. */
export async function deb(shared: readonly Entry[], info: PackageInfo, gzip: Gzip): Promise<Buffer> {
  const entries = [...shared, ...ofDebianAlone(info)];
  const md5sums = sorted(entries).map(
    ({ path, content }) => `${createHash("md5").update(content).digest("hex")}  ${path}\n`,
  );
  const control = [
    text("control", 0o644, controlFile(entries, info)),
    text("md5sums", 0o644, md5sums.join("")),
    ...Object.entries(debScripts).map(([name, content]) => text(name, 0o755, content)),
  ];
  const members: [string, Buffer][] = [
    ["debian-binary", Buffer.from("2.0\n")],
    ["control.tar.gz", await gzip.compress(tar(control, "./", info.epochS))],
    ["data.tar.gz", await gzip.compress(tar(entries, "./", info.epochS))],
  ];
  return ar(members, info.epochS);
}

/** What Debian's policy and its checker want, in files that mean nothing elsewhere. */
function ofDebianAlone(info: PackageInfo): Entry[] {
  const overrides = readFileSync(join(repositoryRoot, "scripts/package/lintian-overrides"));
  return [
    { path: "usr/share/doc/wazuh-dfn/changelog.gz", mode: 0o644, content: gzipBest(debChangelog(info)) },
    { path: "usr/share/lintian/overrides/wazuh-dfn", mode: 0o644, content: overrides },
  ];
}

function controlFile(entries: readonly Entry[], { version, arch, maintainer }: PackageInfo): string {
  // dpkg counts a file by whole KiB, and each directory as one.
  const kib = entries.reduce((sum, { content }) => sum + Math.ceil(content.length / 1024), 0);
  const fields = {
    Package: "wazuh-dfn",
    Version: debVersion(version),
    Architecture: debArch[arch],
    Maintainer: maintainer,
    "Installed-Size": String(kib + ownDirectoriesOf(entries).length),
    // What the Node binary is linked against.
    Depends: "libc6 (>= 2.28), libgcc-s1 | libgcc1, libstdc++6 (>= 5)",
    Suggests: "wazuh-manager",
    Section: "net",
    Priority: "optional",
    Description: `${summary}\n${description.map((line) => ` ${line}`).join("\n")}`,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/** A hyphen would begin the revision; a tilde sorts before the version itself, as a pre-release does. */
function debVersion(version: string): string {
  return version.replaceAll("-", "~");
}

function ar(members: readonly (readonly [string, Buffer])[], epochS: number): Buffer {
  const pieces: Buffer[] = [Buffer.from("!<arch>\n")];
  for (const [name, content] of members) {
    const fields = [
      name.padEnd(16),
      String(epochS).padEnd(12),
      "0".padEnd(6),
      "0".padEnd(6),
      "100644".padEnd(8),
      String(content.length).padEnd(10),
    ];
    pieces.push(Buffer.from(`${fields.join("")}\`\n`), content);
    if (content.length % 2 === 1) pieces.push(Buffer.from("\n"));
  }
  return Buffer.concat(pieces);
}
