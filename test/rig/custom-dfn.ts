import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findWay, render, ways, type Way } from "../../integration/fast-path/ways.ts";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { eventually } from "./eventually.ts";
import type { LineServer } from "./line-server.ts";
import { present } from "./present.ts";

/** The built executable; the tests are run in the root of the checkout. */
const bundled = resolve("dist/custom-dfn");

/** What integratord adds as one argument when it is not in debug mode. */
export const redirection = "> /dev/null 2>&1";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that integratord could run. */
export class CustomDfn {
  readonly name: string;
  readonly path: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(name: string, path: string, environment: Readonly<Record<string, string | undefined>>) {
    this.name = name;
    this.path = path;
    this.#environment = environment;
  }

  /** Starts it as integratord does: no shell, its own name in front, hardly any environment, no input. */
  start(args: readonly string[], spawnOptions: { uid?: number } = {}): ChildProcess {
    return spawn(this.path, args, {
      argv0: "integrations",
      cwd: "/",
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
      ...spawnOptions,
    });
  }

  async run(args: readonly string[], spawnOptions?: { uid?: number }): Promise<Ended> {
    return ended(this.start(args, spawnOptions));
  }
}

/** Waits for its end; a process that hangs is killed, so that its exit code is null. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const hangDetector = setTimeout(() => child.kill("SIGKILL"), 120_000);
  try {
    const [code] = await once(child, "close");
    return { code: typeof code === "number" ? code : null, ...output };
  } finally {
    clearTimeout(hangDetector);
  }
}

/**
 * Calls until one more line has arrived: on a busy machine the 50 ms that a call has may be over before anything is
 * written, and the alert is left to the tail.
 * @param call checks what must be true of each call
 */
export async function untilTaken(server: LineServer, call: () => Promise<void>): Promise<void> {
  const before = server.lines.length;
  const failed = await eventually("the line", async () => {
    try {
      await call();
    } catch (reason) {
      return { reason }; // At once: only a late line is waited for.
    }
    return server.lines.length > before && { reason: undefined };
  });
  if (failed.reason !== undefined) throw failed.reason;
}

/** The bundled way alone, as in a checkout. */
export const bundledCustomDfn = new CustomDfn("bundled", bundled, { PATH: process.env["PATH"] });

export async function runCustomDfn(args: readonly string[], spawnOptions?: { uid?: number }): Promise<Ended> {
  return bundledCustomDfn.run(args, spawnOptions);
}

/** custom-dfn with a fast path, as it is installed: next to a package of its own, and with an empty environment. */
export class InstalledCustomDfn extends CustomDfn implements Disposable {
  readonly #directory: string;

  /** @param change settings that differ from what was found on this system, for instance a tool that fails */
  constructor(name: Way["name"], change: Partial<Way> = {}) {
    const directory = mkdtempSync(join(tmpdir(), "dfn-"));
    super(name, join(directory, "custom-dfn"), {});
    this.#directory = directory;
    chmodSync(directory, 0o755);
    mkdirSync(join(directory, "bin"));
    copyFileSync(bundled, join(directory, "custom-dfn.cjs"));
    // It may be called as another user.
    mkdirSync(join(directory, "calls"));
    chmodSync(join(directory, "calls"), 0o777);
    executable(
      join(directory, "bin/node"),
      `#!/bin/sh\n{ echo > '${directory}/calls/bundled'; } 2>/dev/null\nexec '${process.execPath}' "$@"\n`,
    );
    const script = readFileSync(resolve("dist/custom-dfn.sh"), "utf8");
    const found = present(findWay(name, [resolve("dist")]));
    executable(this.path, render(script, directory, { ...found, tool: this.#toolOf(found), ...change }));
  }

  /** The package's own program is in the package; a build meanwhile does not change it. */
  #toolOf({ name, tool }: Way): string {
    if (name !== "own") return tool;
    const copy = join(this.#directory, "hand-over");
    copyFileSync(tool, copy);
    return copy;
  }

  /** Whether the bundled way was taken since this was last asked. */
  tookBundledWay(): boolean {
    const mark = join(this.#directory, "calls/bundled");
    const took = existsSync(mark);
    rmSync(mark, { force: true });
    return took;
  }

  /** Takes the package away, as its removal does. */
  removePackage(): void {
    rmSync(join(this.#directory, "bin"), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The tools of the fast paths, installed if that is possible. */
export function provideFastWays(): void {
  const missing = installPrograms(["nc.openbsd", "socat"]);
  if (missing.length > 0) throw new Error(howToInstall(missing));
}

/** The bundled way, and each fast one. */
export function customDfns(): { readonly all: readonly CustomDfn[] } & Disposable {
  provideFastWays();
  const installed = ways.map((name) => new InstalledCustomDfn(name));
  const dispose = (): void => installed.forEach((customDfn) => customDfn[Symbol.dispose]());
  return { all: [bundledCustomDfn, ...installed], [Symbol.dispose]: dispose };
}

function executable(path: string, content: string): void {
  writeFileSync(path, content);
  chmodSync(path, 0o755);
}
