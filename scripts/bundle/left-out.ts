/**
 * What libraries bring along and nobody here uses. Left in the bundle it would be parsed and run at each start: a third of
 * all modules.
 */
import type { Loader, Plugin } from "esbuild";

/** By the end of the module's path: what takes its place. */
const replacements: readonly (readonly [end: string, contents: string, loader: Loader])[] = [
  // Error texts in fifty languages: those of the settings are our own.
  ["zod/v4/locales/index.js", `export { default as en } from "./en.js";`, "js"],
  // Figures of the process itself, with the whole of OpenTelemetry; and ways of reporting that are not ours.
  ["prom-client/lib/defaultMetrics.js", "", "js"],
  ["prom-client/lib/pushgateway.js", "", "js"],
  ["prom-client/lib/cluster.js", "", "js"],
];

/** Takes the place of those modules on their way into a bundle; the build fails if one of them is not on it. */
export function leaveOut(): Plugin {
  return {
    name: "leave-out",
    setup(build) {
      const found = new Set<string>();
      for (const [end, contents, loader] of replacements) {
        const parts = end.split("/").map((part) => part.replaceAll(".", "\\."));
        build.onLoad({ filter: new RegExp(`[/\\\\]${parts.join("[/\\\\]")}$`) }, () => {
          found.add(end);
          return { contents, loader };
        });
      }
      build.onEnd(() => {
        const errors = replacements
          .filter(([end]) => !found.has(end))
          .map(([end]) => ({ text: `${end} was not found, so it is not left out: adapt scripts/bundle/left-out.ts` }));
        return { errors };
      });
    },
  };
}
