/**
 * `make-code-cache.cjs`, run once when the package is installed: writes the code cache of `wazuh-dfn.cjs`. V8 only keeps what
 * it has compiled, and it compiles what is called: so some commands are run here, without output. They change
 * nothing and connect to nothing.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { codeCachePath, compile, encodeCodeCache, readProgram } from "./code-cache.ts";
import { runProgram } from "./run-program.ts";

const directory = resolve(process.argv[2] ?? import.meta.dirname);
const program = readProgram(join(directory, "wazuh-dfn.cjs"));
const target = codeCachePath(program.path);
// Should this fail, no stale one is left.
rmSync(target, { force: true });
const script = compile(program);
const aside = mkdtempSync(join(tmpdir(), "wazuh-dfn-"));
const say = process.stderr.write.bind(process.stderr);
for (const stream of [process.stdout, process.stderr]) stream.write = () => true;

// When all commands have come to their end.
process.on("exit", () => {
  rmSync(aside, { recursive: true, force: true });
  try {
    const temporary = `${target}.new`;
    rmSync(temporary, { force: true });
    writeFileSync(temporary, encodeCodeCache(program, script.createCachedData()), { flag: "wx", mode: 0o644 });
    renameSync(temporary, target);
    process.exitCode = 0;
  } catch (reason) {
    say(`make-code-cache: ${String(reason)}\n`);
    process.exitCode = 1;
  }
});

const config = join(aside, "config.yaml");
const broker = `sink: { kafka: { brokers: ["localhost:9092"] } }`;
writeFileSync(config, `dfn: { customer_id: none }\nwazuh: { home: ${aside} }\nstate_dir: ${aside}\n${broker}\n`);
// `--help` loads every command. Not `run`: it sets flags of V8, and a cache only counts for those that it was made with.
for (const args of [["--help"], ["version"], ["config", "sample"], ["check", "--config", config]]) {
  process.argv = [process.execPath, program.path, ...args];
  runProgram(script, program.path);
}
