/** Who may ask on a port, and with what. On the Unix socket the rights of its file decide, and nothing here is asked for. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { isOfThisMachine, type StatusSettings } from "../config/sections/status.ts";
import { readTokenDigest, tokenDigest } from "../config/token-file.ts";
import type { Rate } from "../config/values/rate.ts";
import { formatIpAddress, parseIpAddress, unmapped } from "../net/address.ts";
import { contains, formatNetwork, type Network, parseNetwork } from "../net/network.ts";
import { type CertificateExpiry, expiryOf } from "./certificates.ts";
import type { Refused } from "./host-rules.ts";
import { loadServerTls, type ServerTls } from "./server-tls.ts";
import type { RouteNeeds } from "./route.ts";

/** How often one address may ask when `status.rate` is not set and other machines may. */
const usualRate: Rate = { count: 120, perMs: 60_000 };
const maxConnections = 8;

/** The settings with their files read. */
export interface StatusAccess {
  /** `status.hosts` */
  readonly hosts: readonly string[];
  /** Empty: everybody may connect. */
  readonly allow: readonly Network[];
  readonly rate: Rate | undefined;
  /** How many connections of one address may be open. */
  readonly maxConnections: number;
  /** SHA-256 of the token; undefined: none is needed. */
  readonly token: Buffer | undefined;
  readonly tapToken: Buffer | undefined;
  readonly tls: ServerTls | undefined;
}

/** Without limits and secrets: a Unix socket, or a port of this machine alone. */
export const openAccess: StatusAccess = {
  hosts: [],
  allow: [],
  rate: undefined,
  maxConnections: Infinity,
  token: undefined,
  tapToken: undefined,
  tls: undefined,
};

/** Reads certificates and tokens. @throws DfnError CONFIG for a file that cannot be read or used */
export function loadStatusAccess(settings: StatusSettings): StatusAccess {
  const { listen, hosts, tls, tokenFile, tapTokenFile, allow, rate } = settings;
  if (listen.kind === "unix") return openAccess;
  const isLocal = isOfThisMachine(listen);
  return {
    hosts,
    allow: allow.map(parseNetwork),
    rate: rate ?? (isLocal ? undefined : usualRate),
    // All users of this machine share one address.
    maxConnections: isLocal ? Infinity : maxConnections,
    token: tokenFile === undefined ? undefined : readTokenDigest("status.token_file", tokenFile),
    tapToken: tapTokenFile === undefined ? undefined : readTokenDigest("status.tap_token_file", tapTokenFile),
    tls: tls === undefined ? undefined : loadServerTls(tls),
  };
}

/** How long the certificates that are in use on a port remain valid. @param nowMs milliseconds since 1970 */
export function accessExpiries({ tls }: StatusAccess, nowMs: number): readonly CertificateExpiry[] {
  return tls?.ends.map((end) => expiryOf(end, nowMs)) ?? [];
}

/** A text that changes when somebody who could ask before may no longer do so. It holds no secret. */
export function stampOf({ allow, token, tapToken, tls }: StatusAccess): string {
  const parts = [
    allow.map(formatNetwork),
    token?.toString("hex"),
    tapToken?.toString("hex"),
    tls === undefined ? undefined : [tls.clientAuthorities, tls.clientNames],
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** The one form of a client's address: IPv4 as such also where the system maps it to IPv6. Undefined if it is none. */
export function clientAddress(written: string | undefined): string | undefined {
  const address = parseIpAddress(written ?? "");
  return address === undefined ? undefined : formatIpAddress(unmapped(address) ?? address);
}

/** @param address as `clientAddress` gives it */
export function isAllowed({ allow }: StatusAccess, address: string): boolean {
  const parsed = parseIpAddress(address);
  return allow.length === 0 || (parsed !== undefined && allow.some((network) => contains(network, parsed)));
}

/** Why a request does not get what it asks for; undefined if it does. */
export function accessRefusal(access: StatusAccess, request: IncomingMessage, needs: RouteNeeds): Refused | undefined {
  if (needs === "nothing" || needs === "probe") return undefined;
  if (needs === "tap-token" && access.tapToken === undefined) {
    const text = "contents of alerts are on the Unix socket alone, or with the token of status.tap_token_file";
    return { status: 403, text };
  }
  const certificate = certificateRefusal(access.tls, request);
  if (certificate !== undefined) return certificate;
  const digests = needs === "token" ? [access.token, access.tapToken] : [access.tapToken];
  if (needs === "token" && access.token === undefined) return undefined;
  const sent = sentToken(request);
  if (sent === undefined) return { status: 401, text: "a token is needed (Authorization: Bearer)" };
  const digest = tokenDigest(sent);
  // Both are compared, so that the time says nothing either.
  const matches = digests.map((one) => one !== undefined && timingSafeEqual(one, digest));
  if (matches.includes(true)) return undefined;
  // Whoever has the token of the status gets to know that it is the wrong one here.
  if (access.token !== undefined && timingSafeEqual(access.token, digest)) {
    return { status: 403, text: "contents of alerts need the token of status.tap_token_file" };
  }
  return { status: 401, text: "the token is wrong" };
}

function sentToken({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +(\S{1,4096}) *$/i.exec(headers.authorization ?? "")?.[1];
}

function certificateRefusal(tls: ServerTls | undefined, { socket }: IncomingMessage): Refused | undefined {
  if (tls?.needsCertificate !== true) return undefined;
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    return { status: 401, text: "a client certificate of status.tls.client_ca is needed" };
  }
  if (tls.clientNames.length === 0) return undefined;
  const names = certificateNames(socket);
  if (names.some((name) => tls.clientNames.includes(name))) return undefined;
  return { status: 403, text: "the client certificate has none of the names in status.tls.client_names" };
}

/** Common name and alternative names of the client's certificate. */
function certificateNames(socket: TLSSocket): readonly string[] {
  // Without the details of a certificate that was not sent all of it is undefined.
  const { subject, subjectaltname = "" } = socket.getPeerCertificate();
  const common: unknown = subject?.CN;
  // Node puts a name in quotes when it holds what separates names here.
  const alternative = subjectaltname
    .split(", ")
    .flatMap((part) => /^(?:DNS|email|URI):([^",]+)$/.exec(part)?.[1] ?? []);
  return [...(typeof common === "string" ? [common] : []), ...alternative];
}
