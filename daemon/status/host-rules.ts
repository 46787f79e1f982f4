import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

export interface Refused {
  readonly status: 400 | 401 | 403 | 421;
  readonly text: string;
}

/**
 * Why a request is refused; undefined if it is answered. On a port every program of this machine can ask, including a
 * browser with somebody else's page: that page may point its own name to this address (DNS rebinding), so `Host` must be
 * one of ours. A Unix socket cannot be reached that way.
 * @param hosts  `status.hosts`; undefined on a Unix socket
 * @param isOpen whether what is asked for holds no data, so that a page of another site may lead to it
 */
export function refusalOf(
  request: IncomingMessage,
  hosts: readonly string[] | undefined,
  isOpen = false,
): Refused | undefined {
  const names = hostsOf(request);
  if (names.length > 1) return { status: 400, text: "there must be exactly one Host header" };
  if (hosts === undefined) return undefined;
  const [written] = names;
  if (written === undefined || written === "") return { status: 400, text: "there must be a Host header" };
  const host = hostOf(written);
  if (host === undefined) return { status: 400, text: "the Host header is neither a name nor an address" };
  const own = canonical(request.socket.localAddress ?? "");
  if (host !== "localhost" && host !== own && !hosts.includes(host)) {
    return { status: 421, text: "the Host header names another host; if it is this one, add the name to status.hosts" };
  }
  if (!isOpen && request.headers["sec-fetch-site"] === "cross-site") {
    return { status: 403, text: "requests from pages of other sites are refused" };
  }
  return undefined;
}

/** All of them: Node's own list of headers drops duplicates. */
function hostsOf({ rawHeaders }: IncomingMessage): readonly string[] {
  return rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "host");
}

/** The host of `host`, `host:port`, `[v6]` or `[v6]:port`, as `canonical`; undefined for anything else. */
function hostOf(written: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([\w.-]{1,253}))(?::\d{1,5})?$/.exec(written);
  const [, v6, name] = match ?? [];
  if (v6 !== undefined) return isIP(v6) === 6 ? canonical(v6) : undefined;
  return name === undefined ? undefined : canonical(name);
}

/** One form for each host: lower case, IPv6 in its short form, IPv4 as such even if the system maps it to IPv6. */
export function canonical(host: string): string {
  const text = host.toLowerCase();
  if (isIP(text) !== 6) return text.replace(/\.$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1];
  return mapped ?? new URL(`http://[${text}]`).hostname.slice(1, -1);
}
