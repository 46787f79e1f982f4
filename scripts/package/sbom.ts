import { createHash } from "node:crypto";
import type { Component } from "./components.ts";
import type { PackageInfo } from "./entry.ts";
import type { NodeLibrary } from "./node-libraries.ts";

export interface NodeRuntime {
  readonly version: string;
  /** Of the archive that npm fetched. */
  readonly integrity: string;
  readonly libraries: readonly NodeLibrary[];
}

/** A file that was compiled for the package. */
export interface CompiledFile {
  readonly name: string;
  readonly content: Buffer;
  /** What the compiler calls itself. */
  readonly compiler: string;
}

const apache = [{ license: { id: "Apache-2.0" } }];

/**
 * The software bill of materials, CycloneDX 1.6: what is inside, each with version, identity and hash. Serial number and
 * time follow from the content and the commit, so that the same commit gives the same text.
 */
export function sbom(
  { version, arch, epochS }: PackageInfo,
  node: NodeRuntime,
  compiled: readonly CompiledFile[],
  components: readonly Component[],
): string {
  const runtime = {
    type: "platform",
    "bom-ref": `node@${node.version}`,
    name: "node",
    version: node.version,
    cpe: `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:lts:*:*:*`,
    purl: `pkg:npm/node-linux-${arch}@${node.version}`,
    licenses: [{ license: { id: "MIT" } }],
    hashes: hashes(node.integrity),
    components: node.libraries.map(({ name, version, purl, cpe }) => ({
      type: "library",
      "bom-ref": `node/${purl}`,
      name,
      version,
      ...(cpe === undefined ? {} : { cpe }),
      purl,
    })),
  };
  const ownFiles = compiled.map(({ name, content, compiler }) => ({
    type: "file",
    "bom-ref": name,
    name,
    version,
    licenses: apache,
    hashes: [{ alg: "SHA-256", content: createHash("sha256").update(content).digest("hex") }],
    properties: [{ name: "wazuh-dfn:compiler", value: compiler }],
  }));
  const packages = components.map(({ name, version, licence, integrity }) => {
    const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
    const licenses = [{ license: { id: licence } }];
    return { type: "library", "bom-ref": purl, name, version, purl, licenses, hashes: hashes(integrity) };
  });
  const all = [runtime, ...ownFiles, ...packages];
  const content = {
    version: 1,
    metadata: {
      timestamp: new Date(epochS * 1000).toISOString(),
      component: { type: "application", "bom-ref": "wazuh-dfn", name: "wazuh-dfn", version, licenses: apache },
      properties: [{ name: "wazuh-dfn:platform", value: `linux-${arch}` }],
    },
    components: all,
    dependencies: [
      { ref: "wazuh-dfn", dependsOn: all.map((component) => component["bom-ref"]) },
      { ref: runtime["bom-ref"], dependsOn: runtime.components.map((component) => component["bom-ref"]) },
    ],
  };
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(content))}`;
  return `${JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", serialNumber, ...content }, undefined, 2)}\n`;
}

/** A UUID of version 8 (RFC 9562), made from a hash: another content has another one. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Of the archive that npm fetched. */
function hashes(integrity: string): { alg: string; content: string }[] {
  return [{ alg: "SHA-512", content: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex") }];
}
