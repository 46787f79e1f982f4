import { storePassword } from "./key-store.ts";

/** How a listener of a broker authenticates itself, and whom it lets in. */
export interface SecureListener {
  /** PEM file: private key (PKCS#8), certificate, issuer. Or PKCS#12 (`.p12`) with `storePassword`. */
  readonly keyStore: string;
  /** PEM file of the issuer of client certificates; given: a client must have one of its certificates. */
  readonly clientCa?: string;
  /** SASL over TLS: all mechanisms are on. */
  readonly sasl?: boolean;
  /** Users of SASL PLAIN here; default: those of the cluster. */
  readonly users?: Users;
  /** `host:port` of each broker as reported to clients; default: where it listens. */
  readonly advertised?: readonly string[];
}

/** Users of SASL listeners: name and password. */
export type Users = Readonly<Record<string, string>>;

export interface ClusterOptions {
  /** One broker, or three with replication 3 and min.insync.replicas 2. */
  readonly brokers?: 1 | 3;
  /** Address that the brokers listen at; default: that of the loopback network. */
  readonly host?: string;
  /**
   * Maps where a broker listens (`host:port`) to the address reported to clients of the plain listener; default: the
   * same.
   */
  readonly advertised?: (address: string) => string;
  /** Listeners in addition to the plain one, by name (capital letters and digits). */
  readonly listeners?: Readonly<Record<string, SecureListener>>;
  readonly users?: Users;
  /** Permissions count; the plain listener's user (`User:ANONYMOUS`) has all of them. */
  readonly authorizer?: boolean;
  /** Further broker settings. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

/** Where one broker listens: its number (from 1) and a port per listener name. */
export interface Node {
  readonly id: number;
  readonly directory: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** Where a broker keeps its log. */
export function dataOf({ directory }: Node): string {
  return `${directory}/log`;
}

export const loopback = "127.0.0.1";
export const plainListener = "PLAINTEXT";
export const controllerListener = "CONTROLLER";
export const saslMechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

/**
 * The text of `server.properties` for one broker.
 * @param zookeeper address of a ZooKeeper; undefined: KRaft, broker and controller in one process
 */
export function brokerProperties(
  node: Node,
  nodes: readonly Node[],
  options: ClusterOptions,
  zookeeper: string | undefined,
): string {
  const isReplicated = nodes.length > 1;
  const listeners = options.listeners ?? {};
  const address = (name: string, of = node): string => `${options.host ?? loopback}:${of.ports[name]}`;
  const uri = (name: string): string => `${name}://${address(name)}`;
  const advertisedAt = (name: string): string => {
    if (name === plainListener) return options.advertised?.(address(name)) ?? address(name);
    return listeners[name]?.advertised?.[node.id - 1] ?? address(name);
  };
  const clientListeners = [plainListener, ...Object.keys(listeners)];
  const protocols = Object.entries(listeners).map(
    ([name, { sasl }]) => `${name}:${sasl === true ? "SASL_SSL" : "SSL"}`,
  );
  const properties: Record<string, string | number | boolean> = {
    ...(zookeeper === undefined
      ? {
          "process.roles": "broker,controller",
          "node.id": node.id,
          listeners: [...clientListeners, controllerListener].map(uri).join(","),
          "controller.listener.names": controllerListener,
          "controller.quorum.voters": nodes.map((of) => `${of.id}@${address(controllerListener, of)}`).join(","),
          // Quick fail-over: the defaults of 9 s and 2 s only make the tests longer.
          "broker.session.timeout.ms": 3000,
          "broker.heartbeat.interval.ms": 500,
          // Of a quiet cluster: by default the controllers write a record twice a second that says nothing.
          "metadata.max.idle.interval.ms": 5000,
        }
      : {
          "broker.id": node.id,
          listeners: clientListeners.map(uri).join(","),
          "zookeeper.connect": zookeeper,
          "zookeeper.session.timeout.ms": 3000,
          // It starts at the same time.
          "zookeeper.connection.timeout.ms": 60_000,
        }),
    "advertised.listeners": clientListeners.map((name) => `${name}://${advertisedAt(name)}`).join(","),
    "inter.broker.listener.name": plainListener,
    "listener.security.protocol.map": ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT", ...protocols].join(","),
    "log.dirs": dataOf(node),
    "auto.create.topics.enable": false,
    "default.replication.factor": nodes.length,
    "min.insync.replicas": isReplicated ? 2 : 1,
    "unclean.leader.election.enable": false,
    "offsets.topic.num.partitions": 4,
    "offsets.topic.replication.factor": nodes.length,
    "transaction.state.log.num.partitions": 4,
    "transaction.state.log.replication.factor": nodes.length,
    "transaction.state.log.min.isr": isReplicated ? 2 : 1,
    "group.initial.rebalance.delay.ms": 0,
    "log.cleaner.dedupe.buffer.size": 8_388_608,
    "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
    ...(options.authorizer === true && {
      "authorizer.class.name":
        zookeeper === undefined
          ? "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
          : "kafka.security.authorizer.AclAuthorizer",
      "super.users": "User:ANONYMOUS",
    }),
    ...Object.assign(
      {},
      ...Object.entries(listeners).map(([name, of]) => listenerProperties(name, { users: options.users ?? {}, ...of })),
    ),
    ...options.properties,
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

function listenerProperties(name: string, listener: SecureListener): Record<string, string> {
  const prefix = `listener.name.${name.toLowerCase()}`;
  const properties: Record<string, string> = {
    [`${prefix}.ssl.keystore.location`]: listener.keyStore,
    ...(listener.keyStore.endsWith(".p12")
      ? { [`${prefix}.ssl.keystore.type`]: "PKCS12", [`${prefix}.ssl.keystore.password`]: storePassword }
      : { [`${prefix}.ssl.keystore.type`]: "PEM" }),
    [`${prefix}.ssl.client.auth`]: listener.clientCa === undefined ? "none" : "required",
  };
  if (listener.clientCa !== undefined) {
    properties[`${prefix}.ssl.truststore.type`] = "PEM";
    properties[`${prefix}.ssl.truststore.location`] = listener.clientCa;
  }
  if (listener.sasl !== true) return properties;
  properties[`${prefix}.sasl.enabled.mechanisms`] = saslMechanisms.join(",");
  const entries = Object.entries(listener.users ?? {}).map(([user, password]) => `user_${user}="${password}"`);
  const security = "org.apache.kafka.common.security";
  for (const mechanism of saslMechanisms) {
    properties[`${prefix}.${mechanism.toLowerCase()}.sasl.jaas.config`] =
      mechanism === "PLAIN"
        ? `${security}.plain.PlainLoginModule required ${entries.join(" ")};`
        : `${security}.scram.ScramLoginModule required;`;
  }
  return properties;
}
