/**
 * What a call of custom-dfn asks for. integratord splits one string at single blanks, so a blank inside api_key or
 * hook_url shifts all that follows (Wazuh 4.14 source: os_integrator/integrator.c:432-444): apart from the alert file
 * in front, every argument is known by its form, or by its distance from the end.
 */
import { defaultSocketPath } from "./protocol.ts";

export interface Call {
  /** Empty when integratord could not create the file. */
  readonly alertFile: string;
  readonly socketPath: string;
  readonly optionsFile: string | undefined;
  readonly debug: boolean;
  /** `timeout` times (1 + `retries`) of the integration block: how long an alert that nothing else has is tried. */
  readonly patienceMs: number;
  /** A person can fix a bad call, integratord cannot. */
  readonly byIntegratord: boolean;
}

/** The last argument when integratord is not in debug mode: meant for a shell that is not there. */
const redirection = "> /dev/null 2>&1";
/** integratord passes this many even when most are empty. */
const integratordArguments = 7;
/** `/tmp/<name>-<epoch>-<random>.alert`; the random number may be negative (integrator.c:278). */
const integratordFile = /-\d+--?\d+\.alert$/;
/** What `<timeout>` and `<retries>` are when the block does not name them (config/integrator-config.c:47-60). */
const defaultTimeoutS = 10;
const defaultRetries = 3;
/** The longest time a Node timer takes. */
const longestMs = 2 ** 31 - 1;

/** @param args the arguments after the program's name; undefined is returned if they name no alert file */
export function parseCall(args: readonly string[]): Call | undefined {
  const [alertFile, ...rest] = args;
  const enough = args.length >= integratordArguments;
  if (alertFile === undefined || (alertFile === "" && !enough)) return undefined;

  const quiet = rest.includes(redirection);
  const words = rest.filter((word) => word !== redirection);
  const socketPath = words.find((word) => word.startsWith("unix:"))?.slice("unix:".length);
  const timeoutS = wholeNumber(enough ? words.at(-2) : undefined) ?? defaultTimeoutS;
  const retries = wholeNumber(enough ? words.at(-1) : undefined) ?? defaultRetries;
  return {
    alertFile,
    socketPath: socketPath === undefined || socketPath === "" ? defaultSocketPath : socketPath,
    optionsFile: words.find((word) => word.endsWith(".options")),
    debug: !quiet && words.includes("debug"),
    patienceMs: Math.min(timeoutS * 1000 * (1 + retries), longestMs),
    byIntegratord: enough && (alertFile === "" || integratordFile.test(alertFile)),
  };
}

function wholeNumber(word: string | undefined): number | undefined {
  return word !== undefined && /^\d{1,9}$/.test(word) ? Number(word) : undefined;
}
