import kafkajs, { type AclEntry, type Admin } from "kafkajs";
import { eventually } from "./eventually.ts";

// A CommonJS module whose exports Node finds only in part.
const { ConfigResourceTypes, Kafka: Client, KafkaJSConnectionError, logLevel } = kafkajs;

/** For requests that read, and are repeated: a broker that stalls is soon left for another one. */
const askTimeoutMs = 5000;
/** For requests that change something: a busy broker takes its time. */
const changeTimeoutMs = 60_000;

/** The topic of a test. */
export interface TopicOptions {
  /** Default 3. */
  readonly partitions?: number;
  /** Default: as many as there are brokers. */
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** A running Apache Kafka, as a test sees it: topics, leaders, permissions. */
export class Kafka implements AsyncDisposable {
  /** `host:port` of each broker, without TLS. */
  readonly addresses: readonly string[];
  readonly #client: InstanceType<typeof Client>;
  readonly #clientOf: (brokers: readonly string[]) => InstanceType<typeof Client>;
  #asking: Connected;
  /** Of topics that have been deleted, which kafkajs still asks for with every request; or stuck. */
  readonly #former: Connected[] = [];
  readonly #changing: Connected;

  constructor(addresses: readonly string[]) {
    this.addresses = addresses;
    // Every retry of kafkajs is visible as a delay only; `eventually` is the retry that counts.
    const retry = { retries: 8, initialRetryTime: 50, maxRetryTime: 500 };
    const settings = {
      clientId: "test",
      logLevel: logLevel.NOTHING,
      connectionTimeout: 3000,
      retry,
    };
    this.#clientOf = (brokers) => new Client({ ...settings, brokers: [...brokers], requestTimeout: askTimeoutMs });
    this.#client = this.#clientOf(addresses);
    this.#asking = new Connected(this.#client.admin());
    const changing = new Client({ ...settings, brokers: [...addresses], requestTimeout: changeTimeoutMs });
    this.#changing = new Connected(changing.admin());
  }

  /** Resolves when `brokers` brokers are members of the cluster. */
  async ready(brokers: number): Promise<void> {
    await eventually(`${brokers} brokers at ${this.addresses.join(",")}`, async () => {
      const admin = await this.#asking.admin();
      try {
        return (await admin.describeCluster()).brokers.length >= brokers;
      } catch (reason) {
        // A broker that is starting may know of no brokers, not even of itself; kafkajs does not get over that.
        this.#forget();
        throw reason;
      }
    });
  }

  /** Creates a topic and resolves when every partition of it has a leader. */
  async createTopic(topic: string, options: TopicOptions = {}): Promise<void> {
    const { partitions = 3, replicationFactor = this.addresses.length, config = {} } = options;
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const admin = await this.#changing.admin();
    const request = {
      topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
      timeout: changeTimeoutMs,
      waitForLeaders: false, // kafkajs's own waiting fails when a broker does not know the topic yet
    };
    // Repeated, because brokers with ZooKeeper refuse it while they still remove a topic with that name, or have just
    // lost
    // their controller.
    await eventually(`leaders of ${topic}`, async () => {
      await admin.createTopics(request);
      const found = await this.#partitions(topic);
      return found.length === partitions && found.every(({ leader }) => leader > 0);
    });
  }

  async deleteTopic(topic: string): Promise<void> {
    await (await this.#changing.admin()).deleteTopics({ topics: [topic], timeout: changeTimeoutMs });
    this.#forget();
  }

  /**
   * Resolves when no broker knows a deleted topic any more: until then one may name it, and serve what it held, whoever
   * reads it next.
   */
  async isGoneEverywhere(topic: string): Promise<void> {
    for (const address of this.addresses) {
      await eventually(`${address} knows ${topic} no more`, async () => {
        // It has the address of one broker alone, and so asks that one.
        await using admin = new Connected(this.#clientOf([address]).admin());
        return !(await (await admin.admin()).listTopics()).includes(topic);
      });
    }
  }

  /** Changes settings of a topic, e.g. `max.message.bytes`; those that are not named are reset to their defaults. */
  async alterTopic(topic: string, config: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
    await this.#change(`settings of ${topic}`, (admin) => admin.alterConfigs({ validateOnly: false, resources }));
  }

  /** @param count how many partitions the topic has afterwards */
  async addPartitions(topic: string, count: number): Promise<void> {
    await (
      await this.#changing.admin()
    ).createPartitions({ topicPartitions: [{ topic, count }], timeout: changeTimeoutMs });
  }

  /** Number of the broker (from 1) that leads a partition. */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const found = (await this.#partitions(topic)).find(({ partitionId }) => partitionId === partition);
    if (found === undefined) throw new Error(`${topic} has no partition ${partition}`);
    return found.leader;
  }

  /** Numbers of the brokers (from 1) that have a partition's records up to the end, for each partition. */
  async inSync(topic: string): Promise<number[][]> {
    const found = await this.#partitions(topic);
    return found.toSorted((a, b) => a.partitionId - b.partitionId).map(({ isr }) => isr);
  }

  /** How many records were ever written to a topic; exact, as the product uses no transactions. */
  async recordCount(topic: string): Promise<number> {
    const offsets = await (await this.#asking.admin()).fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  }

  /** Resolves when at least `count` records are in the topic; it may be missing or without leaders before. */
  async recordsReach(topic: string, count: number, options?: { withinMs?: number }): Promise<void> {
    let seen: number | undefined;
    const isThere = async (): Promise<boolean> => (seen = await this.recordCount(topic)) >= count;
    await eventually(`${count} records in ${topic}`, isThere, options).catch((reason: unknown) => {
      throw new Error(`${seen ?? "unknown"} of ${count} records came to ${topic}`, { cause: reason });
    });
  }

  /** Resolves when the topic has at least `count` records more than now; brokers may be away. */
  async recordsGrow(topic: string, count: number, options?: { withinMs?: number }): Promise<void> {
    const now = await eventually(`the ends of ${topic}`, () => this.recordCount(topic), options);
    await this.recordsReach(topic, now + count, options);
  }

  /** Resolves when each partition has taken a record from another client, on all in-sync replicas. */
  async accepts(topic: string, partitions: number, headers: Readonly<Record<string, string>>): Promise<void> {
    const producer = this.#client.producer({ retry: { retries: 0 } });
    const messages = Array.from({ length: partitions }, (_, partition) => ({ partition, value: null, headers }));
    const isTaken = async (message: (typeof messages)[number]): Promise<true> => {
      await producer.connect();
      await producer.send({ topic, acks: -1, timeout: 2000, messages: [message] });
      return true;
    };
    try {
      const taken = messages.map((message) =>
        eventually(`a record in ${topic}/${message.partition}`, () => isTaken(message)),
      );
      await Promise.all(taken);
    } finally {
      await producer.disconnect();
    }
  }

  /** Resolves when a broker enforces them: the controller informs the brokers only after it has answered. */
  async allow(acl: AclEntry[]): Promise<void> {
    await this.#change("permissions", (admin) => admin.createAcls({ acl }));
    const admin = await this.#asking.admin();
    for (const entry of acl) {
      const isKnown = async (): Promise<boolean> => (await admin.describeAcls(entry)).resources.length > 0;
      await eventually(`the permission of ${entry.principal} on ${entry.resourceName}`, isKnown);
    }
  }

  /** Revokes what `allow` granted. */
  async revoke(acl: readonly AclEntry[]): Promise<void> {
    await this.#change("fewer permissions", (admin) => admin.deleteAcls({ filters: [...acl] }));
  }

  /** @param replicas broker numbers per partition, from 0; the first is the preferred leader */
  async placeReplicas(topic: string, replicas: readonly (readonly number[])[]): Promise<void> {
    const partitionAssignment = replicas.map((of, partition) => ({ partition, replicas: [...of] }));
    const topics = [{ topic, partitionAssignment }];
    await this.#change(`replicas of ${topic}`, (admin) => admin.alterPartitionReassignments({ topics }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#former, this.#asking, this.#changing];
    await Promise.all(all.map((admin) => admin[Symbol.asyncDispose]()));
  }

  /**
   * Changes something that may be changed twice: kafkajs does not repeat it when the broker that it takes for the
   * controller was stopped a moment ago.
   */
  async #change(what: string, change: (admin: Admin) => Promise<unknown>): Promise<void> {
    let refused: unknown;
    await eventually(what, async () => {
      try {
        await change(await this.#changing.admin());
      } catch (reason) {
        if (reason instanceof KafkaJSConnectionError) throw reason;
        refused = reason;
      }
      return true;
    });
    if (refused !== undefined) throw refused;
  }

  /** Uses another client from now on. */
  #forget(): void {
    this.#former.push(this.#asking);
    this.#asking = new Connected(this.#client.admin());
  }

  async #partitions(topic: string): Promise<{ partitionId: number; leader: number; isr: number[] }[]> {
    const { topics } = await (await this.#asking.admin()).fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions ?? [];
  }
}

/** An admin client that connects when it is first needed, and again if that failed. */
class Connected implements AsyncDisposable {
  readonly #admin: Admin;
  #connecting: Promise<void> | undefined;

  constructor(admin: Admin) {
    this.#admin = admin;
  }

  async admin(): Promise<Admin> {
    this.#connecting ??= this.#admin.connect().catch((reason: unknown) => {
      this.#connecting = undefined;
      throw reason;
    });
    await this.#connecting;
    return this.#admin;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.disconnect();
  }
}
