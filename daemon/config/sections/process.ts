import { isIP } from "node:net";
import { inQuotes, InvalidValue } from "../values/problem.ts";
import { choice, duration, listOrNone, readSocketPath, scalar, size, text } from "../values/schemas.ts";
import { section } from "../values/section.ts";

export type StatusAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: "127.0.0.1" | "::1"; readonly port: number };

/** `status`: where the running forwarder answers questions. */
export const statusSection = section({
  listen: scalar({ read: readListen, print: formatListen, json: { type: "string" } })
    .prefault("/run/wazuh-dfn/status.sock")
    .describe("Where the forwarder reports its status: path of a Unix socket, 127.0.0.1:port or [::1]:port."),
  hosts: listOrNone(text(readStatusHost)).meta({
    description:
      "More names under which a client may ask for the status on a port, in addition to its address and localhost.",
    examples: [["status.example.org"]],
  }),
})
  .prefault({})
  .describe("The interface that reports how the forwarder is doing.");

/** `log`: standard error is its only place. */
export const log = section({
  level: choice(["debug", "info", "warn", "error"]).prefault("info").describe("debug, info, warn or error."),
  statistics: duration({ least: 0, most: 86_400_000 })
    .prefault("10m")
    .describe("How often statistics are logged; 0: only at the end."),
})
  .prefault({})
  .describe("The log, which goes to standard error.");

/** `limits`: the minimum still holds a whole alert of usual size and others; above the maximum it is a typing error. */
export const limits = section({
  memory: size({ least: 1_048_576, most: 16 * 1_073_741_824 })
    .prefault("64MiB")
    .describe("Maximum size of all alerts that have been read and are not done yet."),
})
  .prefault({})
  .describe("Bounds on what the forwarder uses.");

/** The interface has no password, so it is not offered to other machines. */
function readListen(written: string): StatusAddress {
  const tcp = /^(127\.0\.0\.1|\[::1\]):(\d{1,5})$/.exec(written);
  if (tcp !== null) {
    const port = Number(tcp[2]);
    if (port < 1 || port > 65_535) throw new InvalidValue(`${inQuotes(written)}: use a port from 1 to 65535`);
    return { kind: "tcp", host: tcp[1] === "127.0.0.1" ? "127.0.0.1" : "::1", port };
  }
  if (/^[^/]*:\d+$/.test(written) || /^\d+$/.test(written)) {
    throw new InvalidValue(
      `${inQuotes(written)} is not allowed, since the status has no password and must not be offered to other machines; use the path of a Unix socket, 127.0.0.1:port or [::1]:port`,
    );
  }
  return { kind: "unix", path: readSocketPath(written) };
}

function formatListen(listen: StatusAddress): string {
  if (listen.kind === "unix") return listen.path;
  return `${listen.host === "::1" ? "[::1]" : listen.host}:${listen.port}`;
}

/** A name or an address as a client writes it into `Host`, without the port, which is not looked at. */
function readStatusHost(written: string): string {
  const bare = written.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isIP(bare) !== 0 || /^(?!.*:)[\w.-]{1,253}$/.test(written)) return bare;
  throw new InvalidValue(
    `${inQuotes(written)} is not a host; use a name or an address without a port, such as status.example.org`,
  );
}
