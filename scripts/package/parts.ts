/** What comes from the npm registry when the package is made: Node itself, for both processors. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Arch } from "./entry.ts";

/** Of the line with long-term support until April 2028. A new one: version here, and both lines of `npm view … dist.integrity`. */
export const nodeVersion = "24.21.0";

const nodeIntegrity: Readonly<Record<Arch, string>> = {
  x64: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  arm64: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
};

export interface Parts {
  readonly node: Buffer;
  readonly nodeLicence: Buffer;
  /** Of the package that Node came in. */
  readonly nodeIntegrity: string;
}

/**
 * Fetched by npm, so that its registry, proxy and cache settings hold; what was fetched before is not asked for again.
 * @param directory an empty one to work in
 * @throws Error when what came is not what this file names
 */
export function fetchParts(arch: Arch, directory: string): Parts {
  const runtime = fetchNode(arch, directory);
  return {
    node: readFileSync(join(runtime, "bin/node")),
    nodeLicence: readFileSync(join(runtime, "LICENSE")),
    nodeIntegrity: nodeIntegrity[arch],
  };
}

/**
 * The Node of the package, as `fetchParts` fetches it.
 * @returns the directory below `directory` that holds `bin/node`
 * @throws Error when what came is not what this file names
 */
export function fetchNode(arch: Arch, directory: string): string {
  return unpack(directory, `node-linux-${arch}`, nodeVersion, nodeIntegrity[arch]);
}

/**
 * @returns the directory below `directory` that holds its files
 * @throws Error when it is not the one with this integrity
 */
export function unpack(directory: string, name: string, version: string, integrity: string): string {
  const options = ["--prefer-offline", "--ignore-scripts", "--json", "--pack-destination", directory];
  const packed: unknown = JSON.parse(
    execFileSync("npm", ["pack", `${name}@${version}`, ...options], {
      cwd: directory,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const file = join(directory, filenameOf(packed));
  const digest = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (digest !== integrity) throw new Error(`${name}@${version} is ${digest}, and should be ${integrity}`);
  const target = join(directory, name.replace("/", "-"));
  execFileSync("mkdir", [target]);
  // Node's headers, two thousand files, are not needed.
  execFileSync("tar", ["-xzf", file, "-C", target, "--strip-components=1", "--exclude=package/include"]);
  return target;
}

/** npm's answer: a list of what it packed. */
function filenameOf(packed: unknown): string {
  const [first]: unknown[] = Array.isArray(packed) ? packed : [];
  if (typeof first === "object" && first !== null && "filename" in first && typeof first.filename === "string") {
    return first.filename;
  }
  throw new Error("npm pack did not say what it wrote");
}
