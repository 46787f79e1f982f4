import type { LogSettings, StatusAddress } from "../config.ts";
import { quoted, Refusal } from "../problem.ts";
import { choice, duration, readSocketPath, section, size, text } from "../values.ts";

/** `status`: where the running forwarder answers questions. */
export const status = section({
  listen: text(readListen).prefault("/run/wazuh-dfn/status.sock"),
}).prefault({});

/** `log`: standard error is its only place. */
export const log = section({
  level: choice(["debug", "info", "warn", "error"]).prefault("info"),
  statistics: duration({ least: 0, most: 86_400_000 }).prefault("10m"),
})
  .transform((it): LogSettings => ({ level: it.level, statisticsMs: it.statistics }))
  .prefault({});

/** `limits`: the least still holds a whole alert of usual size beside others; the most is a slip of the pen beyond it. */
export const limits = section({
  memory: size({ least: 1_048_576, most: 16 * 1_073_741_824 }).prefault("64MiB"),
})
  .transform((it) => ({ memoryBytes: it.memory }))
  .prefault({});

/** The interface has no password, so it is not offered to other machines. */
function readListen(written: string): StatusAddress {
  const tcp = /^(127\.0\.0\.1|\[::1\]):(\d{1,5})$/.exec(written);
  if (tcp !== null) {
    const port = Number(tcp[2]);
    if (port < 1 || port > 65_535) throw new Refusal(`${quoted(written)}: allowed is a port from 1 to 65535`);
    return { kind: "tcp", host: tcp[1] === "127.0.0.1" ? "127.0.0.1" : "::1", port };
  }
  if (/^[^/]*:\d+$/.test(written) || /^\d+$/.test(written)) {
    throw new Refusal(
      `${quoted(written)} is not allowed, since the status has no password and must not be offered to other machines; allowed is the path of a Unix socket, 127.0.0.1:port or [::1]:port`,
    );
  }
  return { kind: "unix", path: readSocketPath(written) };
}
