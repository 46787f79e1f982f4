import { execFileSync } from "node:child_process";
import type { Component } from "./components.ts";
import type { PackageInfo } from "./entry.ts";

/** Names in `process.versions` of libraries inside Node, for which security advisories exist of their own. */
const nodeLibraries = [
  "ada",
  "ares",
  "brotli",
  "llhttp",
  "nghttp2",
  "openssl",
  "simdjson",
  "sqlite",
  "undici",
  "uv",
  "v8",
  "zlib",
  "zstd",
];

/** Versions of the libraries inside a Node binary that runs on this machine. */
export function nodeLibrariesOf(node: string): Record<string, string> {
  const told: unknown = JSON.parse(
    execFileSync(node, ["-p", "JSON.stringify(process.versions)"], { encoding: "utf8" }),
  );
  const versions = new Map<string, unknown>(Object.entries(told ?? {}));
  return Object.fromEntries(nodeLibraries.map((name) => [name, String(versions.get(name))]));
}

/** The software bill of materials, CycloneDX 1.6: what is inside, each with version, licence and hash. */
export function sbom(
  { version, arch, epochS }: PackageInfo,
  node: { readonly version: string; readonly integrity: string; readonly libraries: Readonly<Record<string, string>> },
  components: readonly Component[],
): string {
  const product = { type: "application", "bom-ref": "wazuh-dfn", name: "wazuh-dfn", version };
  const runtime = {
    type: "platform",
    "bom-ref": `node@${node.version}`,
    name: "node",
    version: node.version,
    cpe: `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:lts:*:*:*`,
    purl: `pkg:npm/node-linux-${arch}@${node.version}`,
    licenses: [{ license: { id: "MIT" } }],
    hashes: hashes(node.integrity),
    components: Object.entries(node.libraries).map(([name, version]) => ({ type: "library", name, version })),
  };
  const packages = components.map(({ name, version, licence, integrity }) => {
    const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
    const licenses = [{ license: { id: licence } }];
    return { type: "library", "bom-ref": purl, name, version, purl, licenses, hashes: hashes(integrity) };
  });
  const bom = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(epochS * 1000).toISOString(),
      component: { ...product, licenses: [{ license: { id: "Apache-2.0" } }] },
      properties: [{ name: "wazuh-dfn:platform", value: `linux-${arch}` }],
    },
    components: [runtime, ...packages],
    dependencies: [{ ref: "wazuh-dfn", dependsOn: [runtime, ...packages].map((component) => component["bom-ref"]) }],
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

/** Of the archive that npm fetched. */
function hashes(integrity: string): { alg: string; content: string }[] {
  return [{ alg: "SHA-512", content: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex") }];
}
