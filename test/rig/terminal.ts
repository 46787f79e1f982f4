import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { eventually } from "./eventually.ts";
import { TempDir } from "./temp-dir.ts";

const run = promisify(execFile);

/** A real terminal (a pseudo-terminal of tmux) with a shell in it, and what a person sees of it. */
export class Terminal implements AsyncDisposable {
  readonly #directory: TempDir;

  private constructor(directory: TempDir) {
    this.#directory = directory;
  }

  /** @throws Error when tmux is missing and cannot be installed */
  static async open(columns: number, rows: number, env: Readonly<Record<string, string>> = {}): Promise<Terminal> {
    const missing = installPrograms(["tmux"]);
    if (missing.length > 0) throw new Error(howToInstall(missing));
    const terminal = new Terminal(await TempDir.create());
    const size = ["-x", String(columns), "-y", String(rows)];
    const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    await terminal.#tmux("new-session", "-d", ...size, ...variables, "env PS1='$ ' /bin/sh");
    await terminal.#tmux("set-option", "-g", "window-size", "manual");
    await eventually("a prompt", async () => (await terminal.screen()).includes("$"));
    return terminal;
  }

  /** The text on the screen, a line for each of its rows; blanks at the end of a row are not in it. */
  screen(): Promise<string> {
    return this.#tmux("capture-pane", "-p");
  }

  /** The same with what colours it. */
  colouredScreen(): Promise<string> {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  /** Resolves with the screen once it shows this. */
  shows(pattern: RegExp): Promise<string> {
    return eventually(`${String(pattern)} on the screen`, async () => {
      const screen = await this.screen();
      if (!pattern.test(screen)) throw new Error(screen);
      return screen;
    });
  }

  /** Types a line and the key that ends it. */
  async type(line: string): Promise<void> {
    await this.#tmux("send-keys", "-l", line);
    await this.press("Enter");
  }

  /** Presses keys by the names that tmux has for them. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Whether the second screen is on, the cursor is shown, and long lines go on in the next row. */
  async modes(): Promise<{
    readonly isSecondScreen: boolean;
    readonly hasCursor: boolean;
    readonly isWrapping: boolean;
  }> {
    const text = await this.#tmux("display-message", "-p", "#{alternate_on}#{cursor_flag}#{wrap_flag}");
    return { isSecondScreen: text[0] === "1", hasCursor: text[1] === "1", isWrapping: text[2] === "1" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
    await this.#directory[Symbol.asyncDispose]();
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    // With a server of its own, and nobody's settings.
    const place = ["-S", this.#directory.join("tmux"), "-f", "/dev/null"];
    const { stdout } = await run("tmux", [...place, ...args], {
      env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" },
    });
    return stdout;
  }
}
