import { isIPv6 } from "node:net";
import { formatQueueAddress, type QueueAddress } from "../../wazuh/queue-address.ts";
import { inQuotes, InvalidValue } from "../values/problem.ts";
import { choice, path, readSocketPath, scalar } from "../values/schemas.ts";
import { section } from "../values/section.ts";

/** `wazuh`: the manager on this machine. The default of its queue is below `home`, and filled in by `schema`. */
export const wazuh = section({
  home: path().prefault("/var/ossec").describe("The manager's home directory."),
  queue: scalar({ read: readQueue, print: formatQueueAddress, json: { type: "string" } })
    .optional()
    .meta({
      description:
        "Where events for Wazuh go: the path of the manager's queue socket (default: queue/sockets/queue below home), or tcp://host:port of a relay that passes each line on to a manager's queue. Over TCP nothing is encrypted, and the manager behind the relay needs the rules in dfn_rules.xml.",
      examples: ["/var/ossec/queue/sockets/queue"],
    }),
  feedback: choice(["on", "errors", "off"])
    .prefault("on")
    .describe("What is reported on Wazuh's queue: on (acknowledgements and errors), errors, off."),
})
  .prefault({})
  .describe("The manager on this machine.");

function readQueue(written: string): QueueAddress {
  const allowed = "use the path of a Unix socket, or tcp://host:port, for instance tcp://192.0.2.1:1514";
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(written)?.[1];
  if (scheme === undefined) {
    const isBareAddress = /^[^/]*:\d*$/.test(written);
    if (isBareAddress) throw new InvalidValue(`${inQuotes(written)} is neither a path nor tcp://host:port; ${allowed}`);
    return { kind: "unix", path: readSocketPath(written) };
  }
  if (scheme.toLowerCase() !== "tcp")
    throw new InvalidValue(`${inQuotes(written)}: ${scheme} is not offered; ${allowed}`);
  const [, ipv6, name, digits] = /^tcp:\/\/(?:\[(.*)\]|([\w.-]{1,253})):(\d{1,5})\/?$/i.exec(written) ?? [];
  const port = Number(digits);
  if (digits === undefined || (ipv6 !== undefined && !isIPv6(ipv6))) {
    throw new InvalidValue(`${inQuotes(written)} is not a host and a port; ${allowed}`);
  }
  if (port < 1 || port > 65_535) throw new InvalidValue(`${inQuotes(written)} has the port ${digits}; use 1 to 65535`);
  return { kind: "tcp", host: ipv6 ?? name ?? "", port };
}
