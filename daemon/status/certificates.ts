import { DfnError } from "../errors.ts";
import { parseCertificates, readPem } from "../sinks/kafka/tls.ts";

/** Until when a file of `sink.kafka.tls` can be used. */
export interface CertificateExpiry {
  readonly setting: "ca" | "cert";
  readonly file: string;
  /** ISO 8601; absent where the file cannot be read. */
  readonly expiresAt?: string;
  /** Whole days from now, negative when it has expired. */
  readonly daysLeft?: number;
  /** Why the file cannot be read, and what to do. */
  readonly trouble?: string;
}

const dayMs = 86_400_000;

/**
 * Looks at each file. A client certificate ends with the first of its chain; a file of authorities with the last one,
 * because a bundle may hold old ones that nothing depends on.
 * @param nowMs milliseconds since 1970
 */
export function certificateExpiries(
  tls: { readonly ca: readonly string[]; readonly cert: string | undefined } | undefined,
  nowMs: number,
): readonly CertificateExpiry[] {
  if (tls === undefined) return [];
  const own = tls.cert === undefined ? [] : [tls.cert];
  return [
    ...tls.ca.map((file) => expiryOf("ca", file, nowMs, (times) => Math.max(...times))),
    ...own.map((file) => expiryOf("cert", file, nowMs, (times) => Math.min(...times))),
  ];
}

function expiryOf(
  setting: "ca" | "cert",
  file: string,
  nowMs: number,
  pick: (times: readonly number[]) => number,
): CertificateExpiry {
  try {
    const certificates = parseCertificates(setting, file, readPem(setting, file));
    const endMs = pick(certificates.map(({ validTo }) => Date.parse(validTo)));
    const daysLeft = Math.floor((endMs - nowMs) / dayMs);
    return { setting, file, expiresAt: new Date(endMs).toISOString(), daysLeft };
  } catch (reason) {
    if (!(reason instanceof DfnError)) throw reason;
    return { setting, file, trouble: reason.message };
  }
}
