import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type PeerCertificate, type TlsOptions } from "node:tls";
import { describe, errnoOf } from "../../daemon/errors.ts";
import type { PassphraseSource } from "../../daemon/sinks/kafka/tls/credentials.ts";
import { defaultCiphers } from "../../daemon/sinks/kafka/tls/protocol.ts";
import { loadTls, type TlsClientSettings } from "../../daemon/sinks/kafka/tls/tls.ts";
import type { PkiEntry } from "./pki.ts";

/** The settings that a test does not set. */
export function tlsSettings(changes: Partial<TlsClientSettings> = {}): TlsClientSettings {
  const none = { cert: undefined, key: undefined, pkcs12: undefined, passphrase: undefined, serverName: undefined };
  return { ca: [], caOnly: true, ...none, minVersion: "TLSv1.2", ciphers: defaultCiphers, ...changes };
}

/** A pass phrase in a file, read as the forwarder does. */
export function passphraseIn(file: string): PassphraseSource {
  return { file, read: () => readFileSync(file, "utf8").trimEnd() };
}

export interface Handshake {
  /** Why the client ended it; undefined if the handshake succeeded. */
  readonly refused: string | undefined;
  /** Common names that the client sent, its own first; empty if the server did not get that far. */
  readonly sent: readonly string[];
  readonly cipher: string | undefined;
  readonly version: string | undefined;
}

/** A real handshake over TCP, as `run` would make it with these settings. Throws DfnError if they cannot be loaded. */
export async function handshake(
  settings: TlsClientSettings,
  server: PkiEntry,
  options: TlsOptions = {},
): Promise<Handshake> {
  const pair = { cert: readFileSync(server.cert), key: readFileSync(server.key) };
  const listener = createServer({ ...pair, rejectUnauthorized: false, ...options });
  listener.on("tlsClientError", () => undefined); // The client says what it is.
  const met = new Promise<Omit<Handshake, "refused">>((resolve) => {
    listener.on("secureConnection", (socket) => {
      socket.on("error", () => undefined);
      const names = namesOf(socket.getPeerCertificate(true));
      resolve({ sent: names, cipher: socket.getCipher().name, version: socket.getProtocol() ?? undefined });
      socket.end();
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const port = typeof address === "object" ? address?.port : undefined;
  if (port === undefined) throw new Error("no port");
  try {
    const socket = connect({ host: "127.0.0.1", port, ...loadTls(settings) });
    try {
      await once(socket, "secureConnect");
      return { ...(await met), refused: undefined };
    } catch (reason) {
      return {
        refused: `${errnoOf(reason) ?? ""}: ${describe(reason)}`,
        sent: [],
        cipher: undefined,
        version: undefined,
      };
    } finally {
      socket.destroy();
    }
  } finally {
    listener.close();
    await once(listener, "close");
  }
}

function namesOf(first: PeerCertificate & { issuerCertificate?: PeerCertificate }): string[] {
  const names: string[] = [];
  for (let at: typeof first | undefined = first; at?.subject !== undefined; at = at.issuerCertificate) {
    if (names.includes(String(at.subject.CN))) break; // The last one is its own issuer.
    names.push(String(at.subject.CN));
  }
  return names;
}
