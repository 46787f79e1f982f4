import { isIP } from "node:net";
import type { z } from "zod";
import { readNetwork } from "../values/network.ts";
import { inQuotes, InvalidValue } from "../values/problem.ts";
import { rate } from "../values/rate.ts";
import { listOrNone, path, readSocketPath, scalar, text } from "../values/schemas.ts";
import { section, switchable } from "../values/section.ts";

export type StatusAddress =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "tcp";
      /** An address, IPv6 without brackets. */
      readonly host: string;
      readonly port: number;
    };

/** Whether only this machine can reach an address. */
export function isOfThisMachine(address: StatusAddress): boolean {
  return address.kind === "unix" || address.host === "::1" || address.host.startsWith("127.");
}

/** `status.tls`. Whether the files can be read and fit together is judged when they are loaded. */
const statusTls = section({
  cert: path().meta({
    description: "The certificate of the status service, PEM (before its issuers, if they are in the file).",
    examples: ["/etc/wazuh-dfn/status-cert.pem"],
  }),
  key: path().meta({
    description: "The private key of cert, PEM, not encrypted.",
    examples: ["/etc/wazuh-dfn/status-key.pem"],
  }),
  client_ca: listOrNone(path()).meta({
    description: "CA certificates, one file or a list: a client needs a certificate that one of them has issued.",
    examples: ["/etc/wazuh-dfn/monitoring-ca.pem"],
  }),
  client_names: listOrNone(text(readClientName)).meta({
    description:
      "Of the certificates of client_ca only those with one of these names (common name, or DNS name, mail address or URI of the subject's alternative names).",
    examples: [["monitoring.example.org"]],
  }),
});

/** `status`: where the running forwarder answers questions. */
export const statusSection = section(
  {
    listen: scalar({ read: readListen, print: formatListen, json: { type: "string" } })
      .prefault("/run/wazuh-dfn/status.sock")
      .describe(
        "Where the forwarder reports its status: path of a Unix socket, 127.0.0.1:port or [::1]:port; or any other address, which needs tls, and token_file or tls.client_ca. On a port there is also status.sock in state_dir.",
      ),
    hosts: listOrNone(text(readStatusHost)).meta({
      description:
        "More names under which a client may ask for the status on a port, in addition to its address and localhost.",
      examples: [["status.example.org"]],
    }),
    tls: switchable(statusTls).prefault("off").describe("TLS on a port: off, or a section."),
    token_file: path()
      .optional()
      .meta({
        description:
          "File with the token that a client on a port must send (Authorization: Bearer), 32 or more characters.",
        examples: ["/etc/wazuh-dfn/status-token"],
      }),
    tap_token_file: path()
      .optional()
      .meta({
        description:
          "The same for contents of alerts, which no other token shows on a port. It opens everything else too.",
        examples: ["/etc/wazuh-dfn/tap-token"],
      }),
    allow: listOrNone(text(readNetwork)).meta({
      description: "Addresses and networks that may connect to a port; without any, all may.",
      examples: [["192.0.2.0/24"]],
    }),
    rate: rate()
      .optional()
      .meta({
        description:
          "How often one address may ask on a port: a number per s, m or h. Without it 120/m, and no limit on 127.0.0.1 and ::1.",
        examples: ["120/m"],
      }),
  },
  {
    holds: ({ listen, tls }) => !isOffered(listen) || tls !== undefined,
    message:
      "listen offers the status to other machines, which needs tls (cert and key), and token_file or tls.client_ca; add them, or listen on the path of a Unix socket, 127.0.0.1:port or [::1]:port",
  },
  {
    holds: ({ listen, tls, token_file: token }) =>
      !isOffered(listen) || tls === undefined || token !== undefined || !isEmpty(tls?.clientCa),
    message:
      "listen offers the status to other machines, where anybody could read it; add token_file (a file with a token of 32 or more characters), tls.client_ca, or both",
  },
  {
    holds: ({ tls }) => tls === undefined || !isEmpty(tls?.clientCa) || isEmpty(tls?.clientNames),
    message: "tls.client_names narrows tls.client_ca, and there is none; add client_ca, or leave client_names out",
  },
  {
    holds: ({ token_file: token, tap_token_file: tap }) => token === undefined || token !== tap,
    message:
      "token_file and tap_token_file are one file, so that whoever may see the status could read alerts; give each a file of its own",
  },
)
  .prefault({})
  .describe("The interface that reports how the forwarder is doing.");

export type StatusSettings = z.output<typeof statusSection>;

/** Bears with anything in place of an address that is wrong. */
function isOffered(listen: StatusAddress | undefined): boolean {
  return listen?.kind === "tcp" && !isOfThisMachine(listen);
}

function isEmpty(list: readonly unknown[] | undefined): boolean {
  return !Array.isArray(list) || list.length === 0;
}

function readListen(written: string): StatusAddress {
  const [, v6, v4, digits = ""] = /^(?:\[([0-9a-fA-F:.]+)\]|([\d.]+)):(\d{1,5})$/.exec(written) ?? [];
  const host = v6 ?? v4;
  if (host !== undefined && isIP(host) === (v6 === undefined ? 4 : 6)) {
    const port = Number(digits);
    if (port < 1 || port > 65_535) throw new InvalidValue(`${inQuotes(written)}: use a port from 1 to 65535`);
    return { kind: "tcp", host, port };
  }
  if (/^[^/]*:\d+$/.test(written) || /^\d+$/.test(written)) {
    throw new InvalidValue(
      `${inQuotes(written)} is not an address and a port; use the path of a Unix socket, 127.0.0.1:port, [::1]:port, or another address such as 0.0.0.0:8443 or [::]:8443`,
    );
  }
  return { kind: "unix", path: readSocketPath(written) };
}

function formatListen(listen: StatusAddress): string {
  if (listen.kind === "unix") return listen.path;
  return `${isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host}:${listen.port}`;
}

/** A name or an address as a client writes it into `Host`, without the port, which is not looked at. */
function readStatusHost(written: string): string {
  const bare = written.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isIP(bare) !== 0 || /^(?!.*:)[\w.-]{1,253}$/.test(written)) return bare;
  throw new InvalidValue(
    `${inQuotes(written)} is not a host; use a name or an address without a port, such as status.example.org`,
  );
}

/** A name as it is in a certificate: compared as it is written. */
function readClientName(written: string): string {
  if (/^[^\s",\p{Cc}][^",\p{Cc}]{0,252}$/u.test(written)) return written;
  throw new InvalidValue(`${inQuotes(written)} is not a name in a certificate; use e.g. monitoring.example.org`);
}
