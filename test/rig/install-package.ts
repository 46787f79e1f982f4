import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

const lib = "usr/lib/wazuh-dfn";

/**
 * Makes custom-dfn as the real one does for a foreign root, without the time that Node takes to start; this Node does
 * the rest, or a stand-in for it in the search path.
 */
const runtime = `#!/bin/sh
case $1 in
  */manager-tree.cjs) command -v wazuh-dfn-node >/dev/null && exec wazuh-dfn-node "$@"; exec "${process.execPath}" "$@" ;;
  */choose-way.cjs) cat "\${1%/*}/custom-dfn" && echo "custom-dfn: the bundled way, because nothing is tried for another root" >&2 ;;
  */wazuh-dfn.cjs) shift && exec "${process.execPath}" "${resolve("dist/wazuh-dfn.cjs")}" "$@" ;;
  -e) exec "${process.execPath}" "$@" ;;
  */make-code-cache.cjs) echo "of $(cat "$2/wazuh-dfn.cjs")" >"$2/wazuh-dfn.cache" ;;
  *) exit 64 ;;
esac
`;

/**
 * A package with the real install scripts, unit and snippets, and small files in place of the runtime and the bundle.
 */
export async function makePackage(directory: string, version = "1.0.0"): Promise<string> {
  const put = async (path: string, text: string, mode: number): Promise<void> => {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
    await chmod(join(directory, path), mode);
  };
  const copy = async (source: string, path: string, mode: number): Promise<void> => {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await copyFile(resolve(source), join(directory, path));
    await chmod(join(directory, path), mode);
  };
  await put(`${lib}/bin/node`, runtime, 0o755);
  await put(`${lib}/wazuh-dfn.cjs`, `// ${version}\n`, 0o644);
  await put(`${lib}/choose-way.cjs`, "", 0o644);
  await put(`${lib}/custom-dfn`, `#!/bin/sh\n# ${version}\nexit 0\n`, 0o755);
  await copy("dist/manager-tree.cjs", `${lib}/manager-tree.cjs`, 0o644);
  await put(`${lib}/VERSION`, `${version}\n`, 0o644);
  await put("usr/bin/wazuh-dfn", "#!/bin/sh\nexit 0\n", 0o755);
  await put("usr/share/doc/wazuh-dfn/LICENSE", "", 0o644);
  await copy("scripts/install", `${lib}/install`, 0o755);
  await copy("scripts/uninstall", `${lib}/uninstall`, 0o755);
  for (const name of await readdir("scripts/install.d")) {
    await copy(`scripts/install.d/${name}`, `${lib}/install.d/${name}`, 0o644);
  }
  for (const name of await readdir("ossec-snippets")) {
    await copy(`ossec-snippets/${name}`, `${lib}/snippets/${name}`, 0o644);
  }
  await copy("scripts/wazuh-dfn.service", "usr/lib/systemd/system/wazuh-dfn.service", 0o644);
  await writeManifest(directory);
  return directory;
}

/** Lists every file except itself, with mode and checksum. */
export async function writeManifest(directory: string): Promise<void> {
  const names = await readdir(join(directory, "usr"), { recursive: true });
  const lines: string[] = [];
  for (const name of names.toSorted()) {
    const path = `usr/${name}`;
    const { mode } = await stat(join(directory, path));
    if ((mode & 0o170000) !== 0o100000 || path === `${lib}/MANIFEST`) continue;
    const sum = createHash("sha256")
      .update(await readFile(join(directory, path)))
      .digest("hex");
    lines.push(`0${(mode & 0o777).toString(8)} ${sum} ${path}\n`);
  }
  await writeFile(join(directory, lib, "MANIFEST"), lines.join(""));
}

export interface Ran {
  readonly code: number | string;
  readonly output: string;
}

export interface RunOptions {
  readonly path?: string;
  readonly uid?: number;
  /** In a process group of its own. */
  readonly isAlone?: boolean;
}

/** Runs a script of the package to its end; both of its output streams are returned as one text. */
export async function runScript(
  packageDirectory: string,
  name: "install" | "uninstall",
  args: readonly string[],
  { path = "/usr/sbin:/usr/bin:/sbin:/bin", uid, isAlone = false }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(join(packageDirectory, lib, name), args, {
    env: { PATH: path, LC_ALL: "C" },
    detached: isAlone,
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => output.push(bytes));
  const [code, signal]: unknown[] = await once(child, "close");
  const ended = typeof code === "number" ? code : String(signal);
  return { code: ended, output: Buffer.concat(output).toString() };
}
