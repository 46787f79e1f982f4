/**
 * `wazuh-dfn-start.cjs`: runs `wazuh-dfn.cjs` next to it, compiled before if the package's installation left a code cache.
 * Whether there is one, or a whole one, makes no difference but time.
 */
import { join } from "node:path";
import { compile, readCodeCache, readProgram } from "./code-cache.ts";
import { runProgram } from "./run-program.ts";

const program = readProgram(join(import.meta.dirname, "wazuh-dfn.cjs"));
runProgram(compile(program, readCodeCache(program)), program.path);
