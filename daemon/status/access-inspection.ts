import { Accounts, readAccess, secretAccess } from "../config/file-access.ts";
import type { Config } from "../config/schema.ts";
import { readTokenDigest } from "../config/token-file.ts";
import type { Problem } from "../config/values/problem.ts";
import { DfnError } from "../errors.ts";
import { sinkDefinition } from "../sink-kinds/registry.ts";
import { inspectServerTls, loadServerTls } from "./server-tls.ts";

/**
 * What is wrong or risky with the access to the status: files that `run` could not use, secrets that others can read,
 * authorities that let in too many. No secret is repeated.
 * @param nowMs milliseconds since 1970
 */
export function inspectStatusAccess({ status, sink }: Config, nowMs: number): Problem[] {
  const { listen, tls, tokenFile, tapTokenFile, allow, rate } = status;
  if (listen.kind === "unix") {
    const unused = { tls, token_file: tokenFile, tap_token_file: tapTokenFile, allow: allow[0], rate };
    return Object.entries(unused)
      .filter(([, value]) => value !== undefined)
      .map(([name]) => {
        const message = "has no effect: listen is a Unix socket, where the rights of its file decide; leave it out";
        return { severity: "warning", setting: `status.${name}`, message };
      });
  }
  const problems: Problem[] = [];
  const accounts = new Accounts();
  const attempt = (setting: string, look: () => unknown): boolean => {
    try {
      look();
      return true;
    } catch (reason) {
      if (!(reason instanceof DfnError)) throw reason;
      const [, named = setting] = /^(status\.[a-z_.]+): /.exec(reason.message) ?? [];
      problems.push({ severity: "error", setting: named, message: reason.message });
      return false;
    }
  };
  const secret = (setting: string, path: string): void => {
    problems.push(...secretAccess(setting, path, accounts), ...readAccess(setting, path, accounts));
  };
  for (const [setting, path] of [
    ["status.token_file", tokenFile],
    ["status.tap_token_file", tapTokenFile],
  ] as const) {
    if (path === undefined) continue;
    if (attempt(setting, () => readTokenDigest(setting, path))) secret(setting, path);
  }
  if (tls !== undefined) {
    if (attempt("status.tls", () => loadServerTls(tls))) {
      problems.push(...inspectServerTls(tls, sinkDefinition(sink).tls(sink)?.ca ?? [], nowMs));
    }
    secret("status.tls.key", tls.key);
    problems.push(...readAccess("status.tls.cert", tls.cert, accounts));
    for (const path of tls.clientCa) problems.push(...readAccess("status.tls.client_ca", path, accounts));
  }
  return problems;
}
