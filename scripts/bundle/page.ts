import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/** Above that the page is not what it is meant to be: quick over a slow line, and small in the bundle. */
const maxBytes = 100 * 1024;

/**
 * The page as one HTML text, with its script and style inside.
 * @throws Error when it is too large, or when a part could end its element before its end
 */
export async function bundlePage(root: string): Promise<string> {
  const directory = join(root, "daemon/page/browser");
  const part = async (entry: string): Promise<string> => {
    const { outputFiles } = await build({
      absWorkingDir: root,
      preserveSymlinks: true,
      entryPoints: [join("daemon/page/browser", entry)],
      bundle: true,
      write: false,
      minify: true,
      format: "iife",
      platform: "browser",
      target: ["chrome109", "firefox115", "safari16.4"],
      charset: "ascii",
      legalComments: "none",
      logLevel: "warning",
    });
    return outputFiles[0]?.text.trim() ?? "";
  };
  const [script, style] = [await part("main.ts"), await part("page.css")];
  for (const text of [script, style])
    if (/<\/(?:script|style)|<!--/i.test(text)) throw new Error("the page has an end inside");
  const frame = (await readFile(join(directory, "frame.html"), "utf8")).replaceAll(/\n\s*/g, "");
  const html = frame
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("<script></script>", () => `<script>${script}</script>`);
  if (!html.includes(script) || !html.includes(style)) throw new Error("the page's frame has no place for its parts");
  const bytes = Buffer.byteLength(html);
  if (bytes > maxBytes) throw new Error(`the page has ${bytes} bytes; at most ${maxBytes} are allowed`);
  return `${html}\n`;
}
