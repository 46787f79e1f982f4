import { setTimeout as delay } from "node:timers/promises";
import { describe } from "../errors.ts";
import { failed, type LinkResult, type CheckResult } from "./result.ts";

/** One link of the chain from analysisd to Kafka. */
export interface Link {
  readonly name: string;
  /** Checks, changes nothing, and may throw the system's error. No result: the link does not exist here. */
  readonly look: () => Promise<readonly CheckResult[]>;
}

/** A link whose look may be synchronous. */
export function link(name: string, look: () => readonly CheckResult[] | Promise<readonly CheckResult[]>): Link {
  return { name, look: async () => look() };
}

/** Looks at all links at once, and gives what was found in the order of the links; each has its time and no more. */
export async function examine(links: readonly Link[], withinMs: number): Promise<LinkResult[]> {
  const found = await Promise.all(
    links.map(async ({ name, look }) => {
      const results = await within(look(), withinMs);
      return results.map((result) => ({ link: name, ...result }));
    }),
  );
  return found.flat();
}

async function within(look: Promise<readonly CheckResult[]>, withinMs: number): Promise<readonly CheckResult[]> {
  const over = new AbortController();
  const late = delay(withinMs, undefined, { signal: over.signal }).then((): CheckResult[] => {
    const text = `could not be checked within ${withinMs / 1000} s`;
    return [failed(text, "uptime; df  # does a disk or a network file system hang?")];
  });
  late.catch(() => {}); // Aborted: the check was in time.
  try {
    return await Promise.race([look, late]);
  } catch (reason) {
    return [failed(`could not be checked: ${describe(reason)}`, "sudo wazuh-dfn doctor")];
  } finally {
    over.abort();
  }
}
