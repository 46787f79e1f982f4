/** The npm packages that are inside the bundles. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Component {
  readonly name: string;
  readonly version: string;
  /** SPDX identifier. */
  readonly licence: string;
  /** As npm's lock file has it: `sha512-` and base64. */
  readonly integrity: string;
}

export interface LicensedComponent extends Component {
  readonly licenceText: string;
}

const licenceFile = /^(licen[cs]e|copying)/i;

/**
 * @param inputs paths of all files that esbuild put into a bundle
 * @throws Error when a package is not in the lock file, or has no licence text that could go along
 */
export function componentsOf(root: string, inputs: readonly string[]): LicensedComponent[] {
  const places = inputs.flatMap((input) => /node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(input) ?? []);
  return [...new Set(places)]
    .toSorted()
    .map((place) => ({ ...lockedPackage(root, place), licenceText: licenceTextOf(root, place) }));
}

/** For those who install the bundle without the package: one text with the licences of all that is inside. */
export function licenceTexts(components: readonly LicensedComponent[]): string {
  const parts = components.map(({ name, version, licence, licenceText }) => {
    return `${name} ${version} (${licence})\n\n${licenceText.trim()}\n`;
  });
  const head = "wazuh-dfn.cjs holds the following packages, each under its own licence.\n";
  return [head, ...parts].join(`\n${"-".repeat(80)}\n\n`);
}

/** @param place as the lock file names it, `node_modules/…` */
export function lockedPackage(root: string, place: string): Component {
  const lock: unknown = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const entry = property(property(lock, "packages"), place);
  const word = (name: string): string => {
    const value = property(entry, name);
    if (typeof value !== "string") throw new Error(`package-lock.json: ${place} has no ${name}`);
    return value;
  };
  const name = place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
  return { name, version: word("version"), licence: word("license"), integrity: word("integrity") };
}

function licenceTextOf(root: string, place: string): string {
  const directory = join(root, place);
  const files = readdirSync(directory).filter((file) => licenceFile.test(file));
  if (files.length === 0) throw new Error(`${place} has no licence file: its text has to go along with the package`);
  return files.map((file) => readFileSync(join(directory, file), "utf8")).join("\n");
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(name);
}
