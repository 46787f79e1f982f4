import { dirname } from "node:path";
import type { Release } from "./changelog.ts";

/** A file of the package. */
export interface Entry {
  /** Where it is installed, without the slash in front. */
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

/** What all formats of one build share. All files belong to root. */
export interface PackageInfo {
  readonly version: string;
  readonly arch: Arch;
  /** Date of every file, seconds since 1970: the commit's, so that the same commit gives the same bytes. */
  readonly epochS: number;
  /** `Name <mail>` of who answers for the package. */
  readonly maintainer: string;
  /** SPDX expression for all that is inside. */
  readonly licence: string;
  /** What CHANGELOG.md says. */
  readonly releases: readonly Release[];
}

/** As Node and npm name it. */
export type Arch = "x64" | "arm64";

export const arches: readonly Arch[] = ["x64", "arm64"];

/** What the package is, in one line and in a paragraph; also what Debian and RPM show. */
export const summary = "Ships the Wazuh alerts that matter to Kafka: each once, none lost";
export const description = [
  "Runs next to a Wazuh 4 manager, follows its alerts.json and takes alerts from",
  "its integratord, and brings those that a SOC needs to Kafka over TLS. Brings",
  "its own Node runtime. After the installation: wazuh-dfn-install",
];

/** Where the builder names nobody. No mail can reach it: the domain is reserved (RFC 2606), and the project has none. */
export const nobodyNamed = "The wazuh-dfn authors <maintainers@wazuh-dfn.invalid>";

/** @throws Error when it is not of the form that Debian and RPM both take */
export function readMaintainer(text: string): string {
  if (/^[^<>@\p{Cc}]*[^<>@\s\p{Cc}] <[^<>@\s\p{Cc}]+@[^<>@\s\p{Cc}]+>$/u.test(text)) return text;
  throw new Error(`--maintainer: "${text}" is not of the form "Name <mail>"`);
}

export function text(path: string, mode: number, content: string): Entry {
  return { path, mode, content: Buffer.from(content) };
}

/** Entries by path, in an order that depends on no locale; a directory comes before what is in it. */
export function sorted<T extends { readonly path: string }>(entries: readonly T[]): T[] {
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** All directories above the files. */
export function directoriesOf(entries: readonly Entry[]): string[] {
  const directories = new Set<string>();
  for (const { path } of entries) {
    for (let at = dirname(path); at !== "."; at = dirname(at)) directories.add(at);
  }
  return [...directories].toSorted();
}

/** The directories that are this product's alone; the others belong to the system. */
export function ownDirectoriesOf(entries: readonly Entry[]): string[] {
  return directoriesOf(entries).filter((path) => path.split("/").some((name) => name === "wazuh-dfn"));
}
