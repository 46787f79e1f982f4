/** The one description of the package: every file, where it comes from, where it goes and who may do what with it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeFileName } from "../../daemon/os/native.ts";
import type { LicensedComponent } from "./components.ts";
import { sorted, text, type Arch, type Entry, type PackageInfo } from "./entry.ts";
import { nodeVersion, type Parts } from "./parts.ts";

const lib = "usr/lib/wazuh-dfn";
const doc = "usr/share/doc/wazuh-dfn";

/** Files of the checkout, and directories with all that is in them. */
const fromCheckout: readonly (readonly [from: string, to: string, mode: number])[] = [
  ["scripts/install", `${lib}/install`, 0o755],
  ["scripts/uninstall", `${lib}/uninstall`, 0o755],
  ["scripts/install.d", `${lib}/install.d`, 0o644],
  ["ossec-snippets", `${lib}/snippets`, 0o644],
  ["scripts/wazuh-dfn.service", "usr/lib/systemd/system/wazuh-dfn.service", 0o644],
  ["scripts/package/wazuh-dfn.8", "usr/share/man/man8/wazuh-dfn.8", 0o644],
  ["README.md", `${doc}/README.md`, 0o644],
  ["LICENSE", `${doc}/LICENSE`, 0o644],
  ["docs", doc, 0o644],
];

const fromBuild: readonly string[] = ["wazuh-dfn.cjs", "custom-dfn.sh", "choose-way.cjs", "manager-tree.cjs"];

export interface Ingredients {
  readonly info: PackageInfo;
  /** The checkout. */
  readonly root: string;
  /** Where the bundles were built. */
  readonly built: string;
  readonly parts: Parts;
  readonly components: readonly LicensedComponent[];
  readonly sbom: string;
}

/** Every file of the package, MANIFEST included. */
export function contents({ info, root, built, parts, components, sbom }: Ingredients): Entry[] {
  const entries = [
    { path: `${lib}/bin/node`, mode: 0o755, content: parts.node },
    // The bundled way of custom-dfn.sh; its extension says that it is CommonJS wherever it lies.
    { path: `${lib}/custom-dfn.cjs`, mode: 0o644, content: readFileSync(join(built, "custom-dfn")) },
    ...[...fromBuild, nativeFileName("linux", info.arch)].map((name) => ({
      path: `${lib}/${name}`,
      mode: 0o644,
      content: readFileSync(join(built, name)),
    })),
    ...fromCheckout.flatMap(([from, to, mode]) => filesOf(root, from, to, mode)),
    text(`${lib}/VERSION`, 0o644, `${info.version}\n`),
    text("usr/bin/wazuh-dfn", 0o755, launcher('/bin/node" "$lib/wazuh-dfn.cjs')),
    text("usr/sbin/wazuh-dfn-install", 0o755, launcher("/install")),
    text("usr/sbin/wazuh-dfn-uninstall", 0o755, launcher("/uninstall")),
    text(`${doc}/sbom.cdx.json`, 0o644, sbom),
    text(`${doc}/copyright`, 0o644, copyright(components)),
    { path: `${doc}/licences/node-${nodeVersion}`, mode: 0o644, content: parts.nodeLicence },
    ...components.map(({ name, version, licenceText }) =>
      text(`${doc}/licences/${name.replace("/", "-")}-${version}`, 0o644, licenceText),
    ),
  ];
  return sorted([...entries, manifest(entries)]);
}

/** What is unpacked from the tar.gz beside `usr/`: a person's way in. */
export function tarballExtras(entries: readonly Entry[]): Entry[] {
  const all = [...entries, starter("install"), starter("uninstall")];
  return [...all, checksums("SHA256SUMS", all)];
}

function starter(name: string): Entry {
  const content = `#!/bin/sh\ncase $0 in */*) here=\${0%/*} ;; *) here=. ;; esac\nexec "$here/${lib}/${name}" "$@"\n`;
  return text(name, 0o755, content);
}

/** As `sha256sum -c` reads them. */
export function checksums(path: string, entries: readonly Entry[]): Entry {
  return text(
    path,
    0o644,
    sorted(entries)
      .map((entry) => `${digest(entry)}  ${entry.path}\n`)
      .join(""),
  );
}

/** For what installs without a package manager: mode, SHA-256 and path of each file but itself. */
function manifest(entries: readonly Entry[]): Entry {
  const lines = sorted(entries).map((entry) => `0${entry.mode.toString(8)} ${digest(entry)} ${entry.path}\n`);
  return text(`${lib}/MANIFEST`, 0o644, lines.join(""));
}

/** Finds the package from its own place, so that it also works below another root, and needs nothing in PATH. */
function launcher(program: string): string {
  return [
    "#!/bin/sh",
    "case $0 in */*) lib=${0%/*}/../lib/wazuh-dfn ;; *) lib=/usr/lib/wazuh-dfn ;; esac",
    '[ -d "$lib" ] || lib=/usr/lib/wazuh-dfn # called by a link',
    `exec "$lib${program}" "$@"`,
    "",
  ].join("\n");
}

function copyright(components: readonly LicensedComponent[]): string {
  return [
    "wazuh-dfn is licensed under the Apache License, Version 2.0: see LICENSE.",
    "",
    "Inside are, each under its own licence, whose text is in licences/:",
    `- node ${nodeVersion} (MIT, and those of what is inside it)`,
    ...components.map(({ name, version, licence }) => `- ${name} ${version} (${licence})`),
    "",
  ].join("\n");
}

function filesOf(root: string, from: string, to: string, mode: number): Entry[] {
  const path = join(root, from);
  const names = listing(path);
  if (names === undefined) return [{ path: to, mode, content: readFileSync(path) }];
  return names.map((name) => ({ path: `${to}/${name}`, mode, content: readFileSync(join(path, name)) }));
}

/** Files below a directory; undefined for a file. */
function listing(path: string): string[] | undefined {
  try {
    const all = readdirSync(path, { recursive: true, withFileTypes: true });
    return all
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1));
  } catch (reason) {
    if (reason instanceof Error && "code" in reason && reason.code === "ENOTDIR") return undefined;
    throw reason;
  }
}

function digest({ content }: Entry): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Name of the tar.gz, and of the directory that it unpacks to. */
export function bareName(version: string, arch: Arch): string {
  return `wazuh-dfn-${version}-linux-${arch}`;
}
