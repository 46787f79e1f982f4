/**
 * Run once, when custom-dfn is installed: finds a tool by which this system hands alerts over faster than a start of
 * Node does, tries it, and prints the custom-dfn that takes this way.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { findFault, type User } from "./fast-path/proof.ts";
import { findWay, render, ways, type Way } from "./fast-path/ways.ts";

const usage = `usage: node choose-way.cjs [--lib DIR] [--uid N --gid N] [--way NAME | --untried] > custom-dfn
Prints the custom-dfn for this system: POSIX sh, to be installed as integrations/custom-dfn, root:wazuh 0750.
  --lib DIR        where bin/node and custom-dfn.cjs are when it is called (default: /usr/lib/wazuh-dfn)
  --uid N --gid N  whom integratord runs as: the tools are tried as this user (needs root)
  --way NAME       try this one alone: own, perl, nc, socat; or bundled: try none, and use Node
  --untried        the package's own program, without trying it: for a system other than this one
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
  const here = dirname(process.argv[1] ?? "");
  const script = readFileSync(join(here, "custom-dfn.sh"), "utf8");
  // What cannot be made is reported before anything is tried.
  render(script, call.lib, undefined);
  const way = await choose(script, call, here);
  const untried = call.isUntried ? ", untried" : "";
  const what =
    way === undefined ? "the bundled way: about 35 ms of processor time per alert" : `the fast path, by ${way.tool}`;
  say(`${what}${untried}`);
  process.stdout.write(render(script, call.lib, way));
  return 0;
}

interface Call {
  readonly lib: string;
  readonly user: User | undefined;
  readonly way: string | undefined;
  readonly isUntried: boolean;
}

/** A text says what is wrong with the arguments. */
function parseCall(): Call | string {
  try {
    const {
      lib,
      uid,
      gid,
      way,
      untried: isUntried,
    } = parseArgs({
      options: {
        lib: { type: "string", default: "/usr/lib/wazuh-dfn" },
        uid: { type: "string" },
        gid: { type: "string" },
        way: { type: "string" },
        untried: { type: "boolean", default: false },
      },
    }).values;
    if (way !== undefined && ![...ways, "bundled"].includes(way)) return `--way ${way}: unknown way`;
    if (isUntried && (way ?? uid ?? gid) !== undefined)
      return "--untried tries nothing: leave --way, --uid and --gid out";
    if (uid === undefined && gid === undefined) return { lib, way, isUntried, user: undefined };
    if (!/^\d+$/.test(uid ?? "") || !/^\d+$/.test(gid ?? "")) return "--uid and --gid must both be given, as numbers";
    return { lib, way, isUntried, user: { uid: Number(uid), gid: Number(gid) } };
  } catch (reason) {
    return reason instanceof Error ? reason.message : String(reason);
  }
}

/** @param here where this program is */
async function choose(script: string, { lib, user, way, isUntried }: Call, here: string): Promise<Way | undefined> {
  const installed = join(lib, "bin");
  if (isUntried) return { name: "own", tool: join(installed, "hand-over") };
  for (const name of ways) {
    if (way !== undefined && way !== name) continue;
    // In the package; in a checkout's dist/.
    const found = findWay(name, [installed, here]);
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
