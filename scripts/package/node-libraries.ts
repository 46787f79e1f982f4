/** The libraries inside Node: security advisories name them, and not Node. */
import { execFileSync } from "node:child_process";

export interface NodeLibrary {
  readonly name: string;
  /** As Node says it, with what its project adds to the library's own. */
  readonly version: string;
  /** https://github.com/package-url/purl-spec: the npm package, else `generic`, whose names are those of the projects. */
  readonly purl: string;
  /** As the National Vulnerability Database names it; undefined when it does not. */
  readonly cpe: string | undefined;
}

interface Identity {
  readonly name: string;
  /** `generic` when it is not given. */
  readonly type?: "npm" | "generic";
  /** Vendor and product of the CPE. */
  readonly cpe?: string;
}

/** By the name in `process.versions`. What is not in here is a version of data or of an interface. */
const identities: Readonly<Record<string, Identity>> = {
  acorn: { name: "acorn", type: "npm" },
  ada: { name: "ada" },
  amaro: { name: "amaro", type: "npm" },
  ares: { name: "c-ares", cpe: "c-ares:c-ares" },
  brotli: { name: "brotli", cpe: "google:brotli" },
  icu: { name: "icu", cpe: "icu-project:international_components_for_unicode" },
  llhttp: { name: "llhttp", cpe: "llhttp:llhttp" },
  merve: { name: "merve" },
  nbytes: { name: "nbytes" },
  ncrypto: { name: "ncrypto" },
  nghttp2: { name: "nghttp2", cpe: "nghttp2:nghttp2" },
  nghttp3: { name: "nghttp3" },
  ngtcp2: { name: "ngtcp2" },
  openssl: { name: "openssl", cpe: "openssl:openssl" },
  simdjson: { name: "simdjson" },
  simdutf: { name: "simdutf" },
  sqlite: { name: "sqlite", cpe: "sqlite:sqlite" },
  undici: { name: "undici", type: "npm", cpe: "nodejs:undici" },
  uv: { name: "libuv", cpe: "libuv:libuv" },
  uvwasi: { name: "uvwasi" },
  v8: { name: "v8", cpe: "google:v8" },
  zlib: { name: "zlib", cpe: "zlib:zlib" },
  zstd: { name: "zstd", cpe: "facebook:zstandard" },
};
/** Unicode data, interfaces, and Node itself, which has its own entry. */
const noLibraries = new Set(["cldr", "modules", "napi", "node", "tz", "unicode"]);

/**
 * The libraries inside a Node binary that runs on this machine.
 * @throws Error when it holds one that is not known here: it would be missing from the bill of materials
 */
export function nodeLibrariesOf(node: string): NodeLibrary[] {
  const listed: unknown = JSON.parse(
    execFileSync(node, ["-p", "JSON.stringify(process.versions)"], { encoding: "utf8", env: {} }),
  );
  return librariesIn(new Map<string, unknown>(Object.entries(listed ?? {})));
}

/** @param versions `process.versions` of that Node */
export function librariesIn(versions: ReadonlyMap<string, unknown>): NodeLibrary[] {
  return [...versions].flatMap(([key, version]) => {
    // A library that could be in Node and is not has an empty version.
    if (noLibraries.has(key) || version === "") return [];
    const identity = Object.hasOwn(identities, key) ? identities[key] : undefined;
    if (identity === undefined || typeof version !== "string") {
      throw new Error(`Node holds "${key}", which scripts/package/node-libraries.ts does not know: add it there`);
    }
    return [describeLibrary(identity, version)];
  });
}

function describeLibrary({ name, type = "generic", cpe }: Identity, version: string): NodeLibrary {
  // V8's and zlib's versions go on with what Node or Chromium call theirs.
  const upstream = version.replace(/-.*$/, "");
  return {
    name,
    version,
    purl: `pkg:${type}/${name}@${version}`,
    cpe: cpe === undefined ? undefined : `cpe:2.3:a:${cpe}:${upstream}:*:*:*:*:*:*:*`,
  };
}
