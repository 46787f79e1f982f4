/**
 * kafkajs 2.2.4 arms a timer of 1 ms again and again once a connection has answered for the first time: 900 wake-ups a
 * second while nothing is to do (kafkajs issue 1704). The patch leaves the timer off when no request is pending and
 * the broker does not throttle; whoever queues a request arms it again.
 */
import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

const anchor = `      if (this.pending.length > 0) {
        scheduleAt = scheduleAt > 0 ? scheduleAt : CHECK_PENDING_REQUESTS_INTERVAL
      }
`;

const fixed = `      if (this.pending.length > 0) {
        scheduleAt = scheduleAt > 0 ? scheduleAt : CHECK_PENDING_REQUESTS_INTERVAL
      } else if (scheduleAt <= 0) {
        return
      }
`;

/**
 * @param source text of kafkajs's `src/network/requestQueue/index.js`
 * @throws Error when the text is not the one that the patch was written for
 */
export function patchRequestQueue(source: string): string {
  const parts = source.split(anchor);
  if (parts.length !== 2) {
    throw new Error(
      "kafkajs's requestQueue has changed, so the patch for its idle timer does not apply: look whether the defect " +
        "is still there (scheduleCheckPendingRequests), then adapt or remove scripts/bundle/kafkajs-patch.ts",
    );
  }
  return parts.join(fixed);
}

/** Patches the module on its way into a bundle; the build fails when it cannot, or when the module is not in it. */
export function kafkajsPatch(): Plugin {
  return {
    name: "kafkajs-patch",
    setup(build) {
      let patched = 0;
      build.onLoad({ filter: /[/\\]kafkajs[/\\]src[/\\]network[/\\]requestQueue[/\\]index\.js$/ }, async ({ path }) => {
        const contents = patchRequestQueue(await readFile(path, "utf8"));
        patched++;
        return { contents, loader: "js" };
      });
      build.onEnd(() => (patched === 1 ? undefined : { errors: [{ text: "kafkajs's requestQueue was not patched" }] }));
    },
  };
}
