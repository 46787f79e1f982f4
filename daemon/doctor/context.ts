import { dirname, join } from "node:path";
import { describe, errnoOf, isAbsent } from "../errors.ts";
import type { StatusSnapshot } from "../status/facts.ts";
import { type OssecConf, readOssecConf, Unreadable } from "../wazuh/ossec-conf.ts";
import { type Account, accountNamed, accountOfProcess, fileOwner } from "./accounts.ts";
import { statOwn, wholeText } from "./read.ts";

/** What the links share: accounts, what the running forwarder says of itself, and the manager's settings. */
export interface DoctorContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The manager's home directory. */
  readonly home: string;
  /** Whether root looks. */
  readonly isRoot: boolean;
  /** Who looks. */
  readonly self: Account;
  /** Who integratord and its programs run as; undefined where there is no manager. */
  readonly wazuh: Account | undefined;
  /** Who the forwarder runs as, or will. */
  readonly forwarder: Account;
  /** Absent where no forwarder answers. */
  readonly snapshot: StatusSnapshot | undefined;
  readonly ossecConf: OssecConfState;
  readonly integration: IntegrationState;
}

/** Whether integratord is to bring alerts. */
export interface IntegrationState {
  /** What the installer was told: `yes` or `no`; undefined where its record is not there or may not be read. */
  readonly recorded: string | undefined;
  /** Whether custom-dfn is among the manager's integrations, as far as this user sees. */
  readonly hasProgram: boolean;
}

/** `etc/ossec.conf`, or why it is not at hand. */
export type OssecConfState =
  | { readonly kind: "read"; readonly path: string; readonly conf: OssecConf; readonly changedAtMs: number }
  | { readonly kind: "absent" | "unseen"; readonly path: string }
  | { readonly kind: "broken"; readonly path: string; readonly reason: string };

/** A manager's configuration has a few hundred kilobytes at most. */
const mostConfBytes = 4 * 1024 * 1024;

/** The installer's record has a few lines. */
const mostRecordBytes = 1024 * 1024;

/** @param configPath path of the settings; the installer keeps its record beside them */
export async function integrationState(home: string, configPath: string): Promise<IntegrationState> {
  const record = await wholeText(join(dirname(configPath), "install/record"), mostRecordBytes).catch(() => "");
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
    const conf = readOssecConf(await wholeText(path, mostConfBytes));
    return { kind: "read", path, conf, changedAtMs: Number((await statOwn(path)).mtimeMs) };
  } catch (reason) {
    if (reason instanceof Unreadable) return { kind: "broken", path, reason: reason.message };
    if (isAbsent(reason)) return { kind: "absent", path };
    if (errnoOf(reason) === "EACCES") return { kind: "unseen", path };
    return { kind: "broken", path, reason: describe(reason) };
  }
}

/**
 * Who Wazuh's unprivileged daemons run as: the owner of the directory of their sockets (Wazuh 4.14: 0770 wazuh:wazuh).
 * A program of integratord has this one group, whatever others the user is in (src/shared/privsep_op.c:148-165).
 */
export async function wazuhAccount(home: string): Promise<Account | undefined> {
  const owner = await fileOwner(join(home, "queue/sockets")).catch(() => undefined);
  // Never root: the doctor runs custom-dfn as this user.
  return owner === undefined || owner.uid === 0 ? accountNamed("wazuh") : owner;
}

/** The running forwarder's account; else the user that the installation makes; else the owner of the state. */
export async function forwarderAccount(
  stateDir: string,
  snapshot: StatusSnapshot | undefined,
  self: Account,
): Promise<Account> {
  const running = snapshot === undefined ? undefined : await accountOfProcess(snapshot.pid).catch(() => undefined);
  if (running !== undefined) return running;
  return (await accountNamed("wazuh-dfn")) ?? (await fileOwner(stateDir).catch(() => self));
}
