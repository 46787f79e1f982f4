import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Script } from "node:vm";
import type { Wrapped } from "./code-cache.ts";

/** Runs a compiled program once, as Node runs the file that it is called with. */
export function runProgram(script: Script, path: string): void {
  const wrapped: Wrapped = script.runInThisContext();
  const module = { exports: {} };
  wrapped(module.exports, createRequire(path), module, path, dirname(path));
}
