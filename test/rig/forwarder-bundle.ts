import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/**
 * The built forwarder and its commands, as the package starts them: with the code cache that is next to it, if it was made.
 * The tests are run in the root of the checkout.
 */
export const forwarderBundle = resolve("dist/wazuh-dfn-start.cjs");

const manifest: { readonly version: string } = JSON.parse(readFileSync("package.json", "utf8"));

/** What it says of itself. */
export const bundleVersion = manifest.version;
