/** Everything that the doctor examines. */
import type { Config } from "../config/schema.ts";
import { inspect } from "../config/load.ts";
import { statusAddressOf } from "../config/status-address.ts";
import { ownAccount } from "../doctor/accounts.ts";
import { examine } from "../doctor/chain.ts";
import type { LinkResult } from "../doctor/result.ts";
import { configuredLinks, machineLinks } from "../doctor/links/all.ts";
import type { ForwarderFacts } from "../doctor/links/forwarder.ts";
import {
  forwarderAccount,
  type DoctorContext,
  integrationState,
  ossecConfState,
  wazuhAccount,
} from "../doctor/context.ts";
import { DfnError } from "../errors.ts";
import { findProblems } from "./check.ts";
import type { Io } from "./command.ts";
import { askStatus } from "./status-client.ts";
import { productVersion } from "./version.ts";

/** Where the manager is unless the settings name another place. */
const usualHome = "/var/ossec";
/** The probe of Kafka has its own limit of 5 s, so this one never ends it. */
const linkWithinMs = 8000;
/** A forwarder that is alive answers at once. */
const answerWithinMs = 4000;

/** What the doctor found. */
export interface Examined {
  /** The settings are in order. */
  readonly isConfigured: boolean;
  readonly findings: readonly LinkResult[];
}

interface Values {
  readonly config: string;
  readonly set: readonly string[];
}

/** Looks at every link of the chain. */
export async function examination(values: Values, io: Io): Promise<Examined> {
  const config = configOf(values, io);
  const problems = findProblems(values, io);
  const settings = { path: values.config, problems };
  const forwarder = config === undefined ? undefined : await askForwarder(config);
  const context = await contextFor(config, values.config, io, forwarder);
  const links = [
    ...machineLinks(context, settings, forwarder),
    ...(config === undefined ? [] : configuredLinks(context, config, settings)),
  ];
  const isConfigured = !problems.some(({ severity }) => severity === "error");
  return { isConfigured, findings: await examine(links, linkWithinMs) };
}

/** Undefined if the settings are wrong; `findProblems` says what is. */
function configOf({ config: path, set: sets }: Values, { env }: Io): Config | undefined {
  try {
    return inspect({ path, env, sets }).config;
  } catch (reason) {
    if (reason instanceof DfnError) return undefined;
    throw reason;
  }
}

async function askForwarder(config: Config): Promise<ForwarderFacts> {
  try {
    const snapshot = await askStatus(statusAddressOf(config), answerWithinMs);
    return { kind: "answers", snapshot, ownVersion: productVersion };
  } catch (reason) {
    if (!(reason instanceof DfnError)) throw reason;
    return { kind: "silent", reason: reason.message };
  }
}

async function contextFor(
  config: Config | undefined,
  configPath: string,
  { env }: Io,
  forwarder: ForwarderFacts | undefined,
): Promise<DoctorContext> {
  const home = config?.wazuh.home ?? usualHome;
  const snapshot = forwarder?.kind === "answers" ? forwarder.snapshot : undefined;
  const self = ownAccount();
  return {
    env,
    home,
    isRoot: self.uid === 0,
    self,
    wazuh: await wazuhAccount(home),
    forwarder: await forwarderAccount(config?.stateDir ?? "/", snapshot, self),
    snapshot,
    ossecConf: await ossecConfState(home),
    integration: await integrationState(home, configPath),
  };
}
