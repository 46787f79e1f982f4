import { lookup as lookupName } from "node:dns/promises";
import { isIP } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { remedies } from "./protocol/remedies.ts";
import { formatBrokerAddress, parseBrokerAddress } from "./connection/broker-address.ts";
import { BrokerConnection, type ConnectionSettings } from "./connection/connection.ts";
import { type ClassifiedError, classifyCode, classifyError, KafkaError, kafkaCodes } from "./protocol/errors.ts";
import type { KafkaOptions } from "./connection/options.ts";
import { fetchBatches, fetchMetadata, fetchOffset, type Metadata, produce } from "./connection/requests.ts";
import { loadTls } from "./tls/tls.ts";
import { fetchTopicSettings, type TopicSettings } from "./topic-settings.ts";

/** A step that did not work: what happened, and what the administrator can do. */
export interface ProbeFailure {
  readonly category: ClassifiedError["category"] | "name";
  readonly text: string;
  readonly remedy: string;
}

export interface BrokerProbe {
  readonly address: string;
  /** Named in the settings, or only by Kafka. */
  readonly isSeed: boolean;
  /** Undefined: connected and authenticated. */
  readonly failure: ProbeFailure | undefined;
  /** When the broker's own certificate ends, in milliseconds since 1970; undefined without TLS, or if not seen. */
  readonly certificateEndsMs: number | undefined;
}

export interface TopicProbe {
  readonly topic: string;
  /** 0 if it does not exist. */
  readonly partitions: number;
  /** Partitions without a leader: nothing can be written to them now. */
  readonly leaderless: number;
  /** Why it is not there, or may not be seen. */
  readonly failure: ProbeFailure | undefined;
  readonly write: ProbeFailure | undefined;
  readonly read: ProbeFailure | undefined;
  /** Copies of the partition that has the fewest, and of the one with the fewest in sync; undefined: not known. */
  readonly replicas: number | undefined;
  readonly fewestInSync: number | undefined;
  /** Partitions with a copy that is not in sync. */
  readonly behind: number;
  /** What Kafka has set for the topic, or why that is not known. */
  readonly settings: { readonly values: TopicSettings } | ProbeFailure;
}

export interface KafkaProbe {
  readonly brokers: readonly BrokerProbe[];
  /** Empty if no broker could be asked. */
  readonly topics: readonly TopicProbe[];
}

/** Brokers that Kafka names beyond those of the settings; a large cluster has hundreds. */
const maxNamedBrokers = 32;

/**
 * Examines brokers and topics without writing anything: connects to every broker, reads who leads what, asks for
 * records at the end of a partition, and sends a produce request without any record in it. Kafka judges the permission
 * before it finds nothing to append (Apache Kafka 4.1, KafkaApis.handleProduceRequest and ProduceRequest.validateRecords).
 * @param withinMs all of it; what is not done by then has failed
 * @throws DfnError CONFIG for certificates that cannot be used
 */
export async function probeKafka(
  options: KafkaOptions,
  topics: readonly string[],
  withinMs: number,
): Promise<KafkaProbe> {
  const tls = options.tls === undefined ? undefined : loadTls(options.tls);
  const settings: ConnectionSettings = { options, tls: () => tls };
  await using work = new Work(settings, withinMs);
  const seeds = options.brokers.map(async (address) => sightOf(work, address, true, tls));
  // The first that answers names all others; the slow ones are awaited in parallel.
  const metadata = Promise.any(options.brokers.map(async (address) => work.metadata(address, topics)));
  const known = await metadata.catch(() => undefined);
  if (known === undefined) return { brokers: await Promise.all(seeds), topics: [] };
  const named = known.brokers.map(formatBrokerAddress).filter((address) => !options.brokers.includes(address));
  const others = named.slice(0, maxNamedBrokers).map(async (address) => sightOf(work, address, false, tls));
  const sights = topics.map(async (topic) => topicSight(work, topic, known));
  const [brokers, found] = await Promise.all([Promise.all([...seeds, ...others]), Promise.all(sights)]);
  return { brokers, topics: found };
}

/** The connections of one probe; all are closed when the time is over. */
class Work implements AsyncDisposable {
  readonly #settings: ConnectionSettings;
  readonly #connections = new Map<string, BrokerConnection>();
  readonly #timer: NodeJS.Timeout;
  readonly #over: Promise<never>;
  #end: (reason: Error) => void = () => {};

  constructor(settings: ConnectionSettings, withinMs: number) {
    this.#settings = settings;
    this.#over = new Promise((_resolve, reject) => (this.#end = reject));
    this.#over.catch(() => {}); // Those that wait in `bounded` have it.
    const reason = new Error(`no answer within ${withinMs / 1000} s`);
    this.#timer = setTimeout(() => {
      this.#end(reason);
      for (const connection of this.#connections.values()) connection.close(reason);
    }, withinMs);
  }

  /** For what cannot be cancelled. */
  bounded<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, this.#over]);
  }

  /** @param use what a broker may end the connection for has one of its own, of that name */
  async connection(address: string, use = ""): Promise<BrokerConnection> {
    const key = `${use} ${address}`;
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new BrokerConnection(address, this.#settings);
      this.#connections.set(key, connection);
    }
    await this.bounded(connection.opened);
    return connection;
  }

  async metadata(address: string, topics: readonly string[]): Promise<Metadata> {
    return fetchMetadata(await this.connection(address), topics);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    for (const connection of this.#connections.values()) connection.close(new Error("the probe is over"));
  }
}

async function sightOf(
  work: Work,
  address: string,
  isSeed: boolean,
  tls: ConnectionOptions | undefined,
): Promise<BrokerProbe> {
  const sight = { address, isSeed, certificateEndsMs: undefined };
  const { host } = parseBrokerAddress(address);
  try {
    if (isIP(host) === 0) await work.bounded(lookupName(host));
  } catch (reason) {
    const text = `the name ${host} cannot be resolved: ${classifyError(reason).text}`;
    return { ...sight, failure: { category: "name", text, remedy: `getent hosts ${host}` } };
  }
  try {
    const certificate = tls === undefined ? undefined : certificateEnd(work, address, tls);
    await work.connection(address);
    return { ...sight, failure: undefined, certificateEndsMs: await certificate };
  } catch (reason) {
    return { ...sight, failure: obstacleOf(classifyError(reason)) };
  }
}

/** From a connection of its own: the one that speaks Kafka's protocol does not show its socket. */
async function certificateEnd(work: Work, address: string, tls: ConnectionOptions): Promise<number | undefined> {
  const { host, port } = parseBrokerAddress(address);
  const socket = connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls });
  const seen = new Promise<number | undefined>((resolve) => {
    socket.once("secureConnect", () => {
      const ends = Date.parse(socket.getPeerCertificate().valid_to);
      resolve(Number.isNaN(ends) ? undefined : ends);
    });
    // Whatever is wrong, the connection that speaks Kafka meets it too and says it.
    socket.once("error", () => resolve(undefined));
    socket.once("close", () => resolve(undefined));
  });
  try {
    return await work.bounded(seen);
  } catch {
    return undefined; // The time is over.
  } finally {
    socket.destroy();
  }
}

async function topicSight(work: Work, topic: string, known: Metadata): Promise<TopicProbe> {
  const found = known.topics.find((one) => one.topic === topic);
  const code = found?.code ?? 3;
  const partitions = found?.partitions ?? [];
  const copies = partitions.flatMap(({ replicas, inSync }) =>
    replicas === undefined || inSync === undefined ? [] : [{ replicas, inSync }],
  );
  const isCounted = copies.length > 0;
  const none = {
    topic,
    partitions: partitions.length,
    write: undefined,
    read: undefined,
    replicas: isCounted ? Math.min(...copies.map(({ replicas }) => replicas)) : undefined,
    fewestInSync: isCounted ? Math.min(...copies.map(({ inSync }) => inSync)) : undefined,
    behind: copies.filter(({ replicas, inSync }) => inSync < replicas).length,
    settings: notAsked,
  };
  const leaderless = partitions.filter(({ leader }) => leader < 0).length;
  if (code !== kafkaCodes.NONE) return { ...none, leaderless, failure: obstacleOf(classifyCode(code)) };
  const led = partitions.find(({ leader }) => leader >= 0);
  const leader = known.brokers.find(({ nodeId }) => nodeId === led?.leader);
  if (led === undefined || leader === undefined)
    return { ...none, leaderless, failure: obstacleOf(classifyCode(kafkaCodes.LEADER_NOT_AVAILABLE)) };
  const address = formatBrokerAddress(leader);
  const tries = [mayWrite, mayRead].map((may) => may(work, address, topic, led.partition).catch(obstacleOfReason));
  const [[write, read], settings] = await Promise.all([Promise.all(tries), settingsOf(work, address, topic)]);
  return { ...none, leaderless, failure: undefined, write, read, settings };
}

const notAsked: ProbeFailure = { category: "unreachable", text: "no broker was asked", remedy: "" };

async function settingsOf(work: Work, address: string, topic: string): Promise<TopicProbe["settings"]> {
  try {
    return { values: await fetchTopicSettings(await work.connection(address, "settings"), topic) };
  } catch (reason) {
    return obstacleOfReason(reason);
  }
}

type Try = (work: Work, address: string, topic: string, partition: number) => Promise<ProbeFailure | undefined>;

const mayWrite: Try = async (work, address, topic, partition) => {
  const connection = await work.connection(address);
  const { code } = await produce(connection, topic, partition, Buffer.alloc(0), 1000);
  // Brokers that would have taken a batch say INVALID_RECORD to a request without one.
  return code === kafkaCodes.NONE || code === kafkaCodes.INVALID_RECORD ? undefined : obstacleOf(classifyCode(code));
};

const mayRead: Try = async (work, address, topic, partition) => {
  const connection = await work.connection(address);
  const offset = await fetchOffset(connection, topic, partition, "next");
  await fetchBatches(connection, topic, partition, { offset, maxBytes: 1 });
  return undefined;
};

function obstacleOfReason(reason: unknown): ProbeFailure {
  return obstacleOf(reason instanceof KafkaError ? classifyCode(reason.code) : classifyError(reason));
}

function obstacleOf({ category, text }: ClassifiedError): ProbeFailure {
  return { category, text, remedy: remedies[category] };
}
