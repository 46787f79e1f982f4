/** `npm run build`: everything that is installed on a manager, into dist/. Run by npm in the root of the checkout. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleCustomDfn, bundleForwarder } from "./bundle/bundles.ts";

const root = process.cwd();
const outDir = join(root, "dist");

await rm(outDir, { recursive: true, force: true });
await mkdir(outDir);
// A file without an extension, as custom-dfn is, belongs to the nearest package.json: the checkout's says "module".
await writeFile(join(outDir, "package.json"), '{ "type": "commonjs" }\n');
await bundleCustomDfn(root, outDir);
await bundleForwarder(root, outDir);
