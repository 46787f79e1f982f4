import { hostname } from "node:os";
import { join } from "node:path";
import { readRegularFileSync } from "../disk/read-file.ts";
import { errnoOf } from "../errors.ts";
import { maxOssecConfBytes, type OssecConf, readOssecConf, settingOf, Unreadable } from "./ossec-conf.ts";

/** Which node of a cluster this is. */
export interface NodeIdentity {
  /** Its name: `<cluster><node_name>`; without a cluster the host's name, as `manager.name` is. */
  readonly name: string;
  /**
   * The node's name if `<hidden>` keeps it out of the alerts: nodes whose hosts share a name could not be distinguished.
   * Undefined if the alerts name their node themselves, or there is no cluster.
   */
  readonly fallbackName: string | undefined;
}

/**
 * Reads the identity from the manager's ossec.conf. Where that cannot be read (the unit's sandbox does not show it), the
 * only the alerts show it.
 */
export function readNodeIdentity(home: string): NodeIdentity {
  try {
    const limits = { maxBytes: maxOssecConfBytes, links: "follow" } as const;
    return nodeIdentityOf(readOssecConf(readRegularFileSync(join(home, "etc/ossec.conf"), limits).toString("latin1")));
  } catch (reason) {
    if (errnoOf(reason) === undefined && !(reason instanceof Unreadable)) throw reason;
    return withoutCluster();
  }
}

/**
 * What analysisd goes by: without `<cluster>`, with `<disabled>` or `<hidden>`, an alert names no node (Wazuh 4.14
 * source: src/config/cluster-config.c:61-114,186-187, src/analysisd/format/to_json.c:66-75).
 */
export function nodeIdentityOf(conf: OssecConf): NodeIdentity {
  const name = settingOf(conf, "cluster", "node_name");
  const isOn = (setting: string): boolean => settingOf(conf, "cluster", setting) === "yes";
  if (name === undefined || name === "" || isOn("disabled")) return withoutCluster();
  return { name, fallbackName: isOn("hidden") ? name : undefined };
}

function withoutCluster(): NodeIdentity {
  return { name: hostname(), fallbackName: undefined };
}
