/** The one description of the package: every file, where it comes from, where it goes and who may do what with it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeFileName } from "../../daemon/os/native.ts";
import type { LicensedComponent } from "./components.ts";
import { gzipBest } from "./gzip.ts";
import { copyrightFile } from "./licences.ts";
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
  ["scripts/security", "usr/share/wazuh-dfn", 0o644],
  ["README.md", `${doc}/README.md`, 0o644],
  ["CHANGELOG.md", `${doc}/CHANGELOG.md`, 0o644],
  ["SECURITY.md", `${doc}/SECURITY.md`, 0o644],
  ["LICENSE", `${doc}/LICENSE`, 0o644],
  ["docs", doc, 0o644],
  ["monitoring", `${doc}/monitoring`, 0o644],
];

const fromBuild: readonly (readonly [name: string, mode: number])[] = [
  ["wazuh-dfn.cjs", 0o644],
  ["wazuh-dfn-start.cjs", 0o644],
  ["make-code-cache.cjs", 0o644],
  ["custom-dfn.sh", 0o755],
  ["choose-way.cjs", 0o644],
  ["manager-tree.cjs", 0o644],
];

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
    { path: `${lib}/bin/hand-over`, mode: 0o755, content: readFileSync(join(built, "hand-over")) },
    // The bundled way of custom-dfn.sh; its extension says that it is CommonJS wherever it lies. Only the package's own
    // Node runs it, so it does not name one.
    { path: `${lib}/custom-dfn.cjs`, mode: 0o644, content: withoutFirstLine(readFileSync(join(built, "custom-dfn"))) },
    ...[...fromBuild, [nativeFileName("linux", info.arch), 0o644] as const].map(([name, mode]) => ({
      path: `${lib}/${name}`,
      mode,
      content: readFileSync(join(built, name)),
    })),
    ...fromCheckout.flatMap(([from, to, mode]) => filesOf(root, from, to, mode)),
    ...manualPages(root, info),
    text(`${lib}/VERSION`, 0o644, `${info.version}\n`),
    text("usr/bin/wazuh-dfn", 0o755, launcher('/bin/node" "$lib/wazuh-dfn-start.cjs')),
    text("usr/sbin/wazuh-dfn-install", 0o755, launcher("/install")),
    text("usr/sbin/wazuh-dfn-uninstall", 0o755, launcher("/uninstall")),
    text(`${doc}/sbom.cdx.json`, 0o644, sbom),
    text(`${doc}/copyright`, 0o644, copyrightFile(components)),
    { path: `${doc}/licences/node-${nodeVersion}`, mode: 0o644, content: parts.nodeLicence },
    ...components.map(({ name, version, licenceText }) =>
      text(`${doc}/licences/${name.replace("/", "-")}-${version}`, 0o644, licenceText),
    ),
  ];
  return sorted([...entries, manifest(entries)]);
}

/** What is unpacked from the tar.gz next to `usr/`: for people. */
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

/** Manual pages, with the date and the version filled in. */
function manualPages(root: string, { version, epochS }: PackageInfo): Entry[] {
  const date = new Date(epochS * 1000).toISOString().slice(0, "2026-01-31".length);
  return filesOf(root, "scripts/package/man", "usr/share/man/man8", 0o644).map(({ path, mode, content }) => {
    const page = content.toString().replace("@DATE@", date).replace("@VERSION@", version);
    return { path: `${path}.gz`, mode, content: gzipBest(page) };
  });
}

/** @throws Error when the first line does not name an interpreter */
function withoutFirstLine(script: Buffer): Buffer {
  if (!script.subarray(0, 2).equals(Buffer.from("#!"))) throw new Error("custom-dfn does not begin with #!");
  return script.subarray(script.indexOf("\n") + 1);
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
