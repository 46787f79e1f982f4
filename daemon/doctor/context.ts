import { dirname, join } from "node:path";
import { describe, errnoOf, isAbsent } from "../errors.ts";
import type { StatusSnapshot } from "../status/facts.ts";
import { type OssecConf, readOssecConf, Unreadable } from "../wazuh/ossec-conf.ts";
import { type Account, accountNamed, accountOfProcess, fileOwner } from "./accounts.ts";
import { statOwn, wholeText } from "./read.ts";

/** What the links share: accounts, the status of the running forwarder, and the manager's settings. */
export interface DoctorContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The manager's home directory. */
  readonly home: string;
  /** Whether the doctor runs as root. */
  readonly isRoot: boolean;
  /** The current user. */
  readonly self: Account;
  /** The account of integratord and its programs; undefined if there is no manager. */
  readonly wazuh: Account | undefined;
  /** The account that the forwarder runs as, or will. */
  readonly forwarder: Account;
  /** Absent if no forwarder answers. */
  readonly snapshot: StatusSnapshot | undefined;
  readonly ossecConf: OssecConfState;
  readonly integration: IntegrationState;
}

/** Whether integratord is meant to deliver alerts. */
interface IntegrationState {
  /** The installer's choice: `yes` or `no`; undefined if its record does not exist or may not be read. */
  readonly recorded: string | undefined;
  /** Whether custom-dfn is among the manager's integrations, as far as the current user can see. */
  readonly hasProgram: boolean;
}

/** `etc/ossec.conf`, or why it is not available. */
export type OssecConfState =
  | { readonly kind: "read"; readonly path: string; readonly conf: OssecConf; readonly changedAtMs: number }
  | { readonly kind: "absent" | "unseen"; readonly path: string }
  | { readonly kind: "broken"; readonly path: string; readonly reason: string };

/** A manager's configuration has at most a few hundred kilobytes. */
const maxConfBytes = 4 * 1024 * 1024;

/** The installer's record has a few lines. */
const maxRecordBytes = 1024 * 1024;

/** @param configPath path of the settings; the installer keeps its record next to them */
export async function integrationState(home: string, configPath: string): Promise<IntegrationState> {
  const record = await wholeText(join(dirname(configPath), "install/record"), maxRecordBytes).catch(() => "");
  const isOfThisManager = record.split("\n").includes(`home ${home}`);
  const recorded = isOfThisManager ? /^integration (yes|no)$/m.exec(record)?.[1] : undefined;
  const hasProgram = await statOwn(join(home, "integrations/custom-dfn")).then(
    () => true,
    (reason: unknown) => !isAbsent(reason),
  );
  return { recorded, hasProgram };
}

export async function ossecConfState(home: string): Promise<OssecConfState> {
  const path = join(home, "etc/ossec.conf");
  try {
    const conf = readOssecConf(await wholeText(path, maxConfBytes));
    return { kind: "read", path, conf, changedAtMs: Number((await statOwn(path)).mtimeMs) };
  } catch (reason) {
    if (reason instanceof Unreadable) return { kind: "broken", path, reason: reason.message };
    if (isAbsent(reason)) return { kind: "absent", path };
    if (errnoOf(reason) === "EACCES") return { kind: "unseen", path };
    return { kind: "broken", path, reason: describe(reason) };
  }
}

/**
 * The account of Wazuh's unprivileged daemons: the owner of the directory of their sockets (Wazuh 4.14: 0770
 * wazuh:wazuh). A program of integratord has only this group, whatever others the user is in
 * (src/shared/privsep_op.c:148-165).
 */
export async function wazuhAccount(home: string): Promise<Account | undefined> {
  const owner = await fileOwner(join(home, "queue/sockets")).catch(() => undefined);
  // Never root: the doctor runs custom-dfn as this user.
  return owner === undefined || owner.uid === 0 ? accountNamed("wazuh") : owner;
}

/** The running forwarder's account; else the user that the installer creates; else the owner of the state. */
export async function forwarderAccount(
  stateDir: string,
  snapshot: StatusSnapshot | undefined,
  self: Account,
): Promise<Account> {
  const running = snapshot === undefined ? undefined : await accountOfProcess(snapshot.pid).catch(() => undefined);
  if (running !== undefined) return running;
  return (await accountNamed("wazuh-dfn")) ?? (await fileOwner(stateDir).catch(() => self));
}
