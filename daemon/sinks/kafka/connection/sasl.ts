import { scramProviders, type InnerSasl, type InnerSaslProvider } from "../protocol/kafkajs-inner.ts";
import type { SaslCredentials } from "./options.ts";

/**
 * Rounds of PBKDF2 that a broker may ask for. RFC 7677 wants at least 4096, and Kafka sets up to 16,384; the peer has
 * proved nothing yet, and each million rounds takes about a second of a processor.
 */
const iterations = { min: 4096, max: 1_000_000 } as const;

/** What kafkajs needs to authenticate one connection; a copy for each, as it keeps its state of the exchange in it. */
export function saslExchange({ mechanism, username, password }: SaslCredentials): InnerSasl {
  const sasl = { mechanism, username, password: password() };
  if (mechanism === "plain") return sasl;
  return { ...sasl, authenticationProvider: bounded(scramProviders[mechanism](sasl), mechanism) };
}

/** Looks at each answer of the broker before kafkajs does what it asks for. */
function bounded(provider: InnerSaslProvider, mechanism: string): InnerSaslProvider {
  return (exchange) =>
    provider({
      ...exchange,
      saslAuthenticate: async (message) => {
        const answer = await exchange.saslAuthenticate(message);
        const { i: asked } = answer ?? {};
        if (asked !== undefined) assertIterations(asked, mechanism);
        return answer;
      },
    });
}

/** @param text the attribute i of a server's first message (RFC 5802, section 5.1) */
function assertIterations(text: string, mechanism: string): void {
  const asked = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (asked >= iterations.min && asked <= iterations.max) return;
  const shown = text.length > 20 ? `${text.slice(0, 20)}...` : text;
  throw new Error(
    `the broker asks for "${shown}" iterations of ${mechanism.toUpperCase()}, but only ${iterations.min} to ${iterations.max} are accepted; check that this is the right broker, and set the user's password there again`,
  );
}
