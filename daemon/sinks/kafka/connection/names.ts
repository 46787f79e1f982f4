import { lookup, type LookupAddress } from "node:dns";
import { isIP } from "node:net";
import { describe } from "../../../errors.ts";

/**
 * A look-up that takes longer has failed for now. glibc asks each name server for 5 s, twice, and up to three of them
 * (resolv.conf(5)), so this leaves time for all.
 */
const maxLookupMs = 35_000;
/** If the name was resolved before, the former answer is used once the new one takes longer than this. */
const fallbackAfterMs = 1000;
/** Names that are kept; a cluster has as many as it has brokers. */
const maxNames = 1000;

/** @throws whatever keeps the name from being resolved */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

const askSystem: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

/**
 * Resolves the names of brokers as the system does, and remembers the last answer for each, so that a name server that
 * is away does not keep anybody from brokers that are there. One question for a name runs at a time: a look-up occupies
 * a thread for as long as it takes.
 */
export class Names {
  readonly #resolve: Resolve;
  readonly #running = new Map<string, Promise<readonly LookupAddress[]>>();
  readonly #known = new Map<string, readonly LookupAddress[]>();

  constructor(resolve: Resolve = askSystem) {
    this.#resolve = resolve;
  }

  /**
   * @returns at least one address
   * @throws Error that names the host, if there is no answer and never was one
   */
  async resolve(host: string): Promise<readonly LookupAddress[]> {
    const family = isIP(host);
    if (family !== 0) return [{ address: host, family }];
    const known = this.#known.get(host);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const limitMs = known === undefined ? maxLookupMs : fallbackAfterMs;
      timer = setTimeout(() => reject(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
    });
    try {
      return await Promise.race([this.#ask(host), late]);
    } catch (cause) {
      if (known !== undefined) return known;
      throw new Error(`the name ${host} cannot be resolved (${describe(cause)})`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  #ask(host: string): Promise<readonly LookupAddress[]> {
    const running = this.#running.get(host);
    if (running !== undefined) return running;
    const question = this.#resolve(host)
      .then((addresses) => {
        if (addresses.length === 0) throw new Error("the answer has no address");
        if (this.#known.size < maxNames || this.#known.has(host)) this.#known.set(host, addresses);
        return addresses;
      })
      .finally(() => this.#running.delete(host));
    question.catch(() => {}); // Whoever waits for it has it; it may come when nobody waits any more.
    this.#running.set(host, question);
    return question;
  }
}

/** Shared by all connections of the process. */
export const systemNames = new Names();
