/**
 * Run once, when custom-dfn is installed: finds a tool by which this system hands alerts over faster than a start of
 * Node does, tries it, and prints the custom-dfn that takes this way.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { findFault, type User } from "./fast-path/proof.ts";
import { findWay, render, ways, type Way } from "./fast-path/ways.ts";

const usage = `usage: node choose-way.cjs [--lib DIR] [--uid N --gid N] [--way perl|nc|socat|bundled] > custom-dfn
Prints the custom-dfn for this system: POSIX sh, to be installed as integrations/custom-dfn, root:wazuh 0750.
  --lib DIR        where bin/node and custom-dfn.cjs are when it is called (default: /usr/lib/wazuh-dfn)
  --uid N --gid N  whom integratord runs as: the tools are tried as this user (needs root)
  --way NAME       try this one alone; bundled: try none, for a system other than this one
Exit code 0: printed, with the fast path or without; standard error says which. 1: it could not be made. 64: called wrongly.`;

/** A place where the package is never installed: what is tried must not fall back to the bundled way. */
const nowhere = "/nonexistent/wazuh-dfn";

void main().then(
  (code) => (process.exitCode = code),
  (reason: unknown) => {
    process.stderr.write(`choose-way: ${reason instanceof Error ? reason.message : String(reason)}\n`);
    process.exitCode = 1;
  },
);

async function main(): Promise<number> {
  const call = parseCall();
  if (typeof call === "string") {
    process.stderr.write(`choose-way: ${call}\n${usage}\n`);
    return 64;
  }
  const script = readFileSync(join(dirname(process.argv[1] ?? ""), "custom-dfn.sh"), "utf8");
  const bundled = render(script, call.lib, undefined);
  const way = call.way === "bundled" ? undefined : await choose(script, call);
  say(way === undefined ? "the bundled way: about 35 ms of processor time per alert" : `the fast path, by ${way.tool}`);
  process.stdout.write(way === undefined ? bundled : render(script, call.lib, way));
  return 0;
}

interface Call {
  readonly lib: string;
  readonly user: User | undefined;
  readonly way: string | undefined;
}

/** A text says what is wrong with the arguments. */
function parseCall(): Call | string {
  try {
    const { lib, uid, gid, way } = parseArgs({
      options: {
        lib: { type: "string", default: "/usr/lib/wazuh-dfn" },
        uid: { type: "string" },
        gid: { type: "string" },
        way: { type: "string" },
      },
    }).values;
    if (way !== undefined && ![...ways, "bundled"].includes(way)) return `--way ${way}: unknown way`;
    if (uid === undefined && gid === undefined) return { lib, way, user: undefined };
    if (!/^\d+$/.test(uid ?? "") || !/^\d+$/.test(gid ?? "")) return "--uid and --gid must both be given, as numbers";
    return { lib, way, user: { uid: Number(uid), gid: Number(gid) } };
  } catch (reason) {
    return reason instanceof Error ? reason.message : String(reason);
  }
}

async function choose(script: string, { user, way }: Call): Promise<Way | undefined> {
  for (const name of ways) {
    if (way !== undefined && way !== name) continue;
    const found = findWay(name);
    if (found === undefined) continue;
    const fault = await findFault(render(script, nowhere, found), user);
    if (fault === undefined) return found;
    say(`${found.tool} cannot be used: ${fault}`);
  }
  return undefined;
}

function say(text: string): void {
  process.stderr.write(`custom-dfn: ${text}\n`);
}
