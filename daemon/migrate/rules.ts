import { formatQueueAddress } from "../wazuh/queue-address.ts";
import type { List } from "../config/values/tree.ts";
import { ownProducerSettings } from "./producer-config.ts";
import type { PythonName } from "./python-settings.ts";
import {
  byHand,
  durationOf,
  type Given,
  isTrue,
  needless,
  notNeeded,
  type MigrationOutcome,
  type Rule,
  taken,
} from "./rule.ts";

const queueSocket = "/queue/sockets/queue";
const alertLog = "/logs/alerts/alerts.json";

const feedbackNeverWaits =
  "feedback to Wazuh is sent without ever waiting; what the queue does not take is kept for a while and sent when it does";
const retriesForEver =
  "Kafka is tried again until it acknowledges, with growing pauses, and meanwhile nothing is given up";
const healthByProgress =
  "health is judged by progress: waiting work without any outcome, and every trouble by name (wazuh-dfn status)";
const noPassword =
  "the rights of its file decide who may use the status socket; for a port see status.token_file, status.tls and status.allow";
const memoryByBytes = "one bound in bytes, limits.memory, counts all that has been read and is not done";
const logToStandardError = "the log goes to standard error, and so to the journal, which keeps and rotates it";
const deadLettersAlways = "what cannot be sent is always kept, in <state_dir>/dead-letters, bounded in bytes";

/** What becomes of each setting; the compiler misses one that is not here. */
export const rules: Readonly<Record<PythonName, Rule>> = {
  "wazuh.unix_socket_path": queueRule,
  "wazuh.max_event_size": needless("an event that is too long for Wazuh's queue (65,535 bytes) is shortened"),
  "wazuh.json_alert_file": alertLogRule,
  "wazuh.json_alert_prefix": needless("a line is an alert when it is JSON, however it begins"),
  "wazuh.json_alert_suffix": needless("a line ends at its newline, and is read whole"),
  "wazuh.max_retries": needless(feedbackNeverWaits),
  "wazuh.retry_interval": needless(feedbackNeverWaits),
  "wazuh.max_connection_failures_per_event": needless(feedbackNeverWaits),
  "wazuh.connection_failure_backoff_base": needless(feedbackNeverWaits),
  "wazuh.max_retry_wait_time": needless(feedbackNeverWaits),
  "wazuh.max_connection_wait_attempts": needless(feedbackNeverWaits),
  "wazuh.connection_wait_sleep_interval": needless(feedbackNeverWaits),
  "wazuh.connection_timeout": needless(feedbackNeverWaits),
  "wazuh.read_timeout": needless("nothing is read from Wazuh's queue"),
  "wazuh.write_timeout": needless(feedbackNeverWaits),
  "wazuh.json_alert_file_poll_interval": ({ text }) => {
    const poll = durationOf(text, 10, 10_000);
    if (poll === undefined) return byHand(`"${text}" is not a number of seconds`);
    return taken("10ms to 10s are allowed; 100ms is the default here", ["sources.tail.poll", poll]);
  },
  "wazuh.store_failed_alerts": ({ text, other }) => {
    if (!isTrue(text)) return notNeeded(deadLettersAlways);
    const path = other("wazuh.failed_alerts_path");
    return byHand(`${deadLettersAlways}; what is left in ${path} can be sent with: wazuh-dfn replay ${path}/*`);
  },
  "wazuh.failed_alerts_path": needless(deadLettersAlways),
  "wazuh.max_failed_files": needless(deadLettersAlways),
  "wazuh.json_alert_queue_size": needless(memoryByBytes),
  "wazuh.integration_name": ({ text }) => {
    if (text === "dfn") return notNeeded("feedback is always reported to Wazuh as integration dfn");
    return byHand(
      `feedback is always reported to Wazuh as integration dfn: change rules of yours that expect "${text}"`,
    );
  },
  "dfn.dfn_broker": ({ text, tree }) =>
    tree === undefined || text === ""
      ? byHand("there is none: fill in sink.kafka.brokers")
      : taken("", ["sink.kafka.brokers", text.split(",").map((address) => address.trim())]),
  "dfn.dfn_cert": (given) => tlsRule(given, "dfn.dfn_key", "cert"),
  "dfn.dfn_key": (given) => tlsRule(given, "dfn.dfn_cert", "key"),
  "dfn.dfn_ca": ({ text, other }) => {
    if (text === "") return notNeeded("without it the system's CA store is trusted, there and here");
    if (!hasTls(other)) return notNeeded("TLS is off, because dfn_cert and dfn_key were not both set");
    const why =
      "there it was compared with our own certificate only; here it is trusted for the brokers in addition to the system's CA store";
    return taken(why, ["sink.kafka.tls.ca", text]);
  },
  "dfn.dfn_id": ({ text }) =>
    text === "" ? byHand("there is none: fill in dfn.customer_id") : taken("", ["dfn.customer_id", text]),
  "kafka.timeout": ({ text }) => {
    const timeout = durationOf(text, 1000, 300_000);
    if (timeout === undefined) return byHand(`"${text}" is not a number of seconds`);
    return taken("1s to 5m are allowed; 30s is the default here", ["sink.kafka.request_timeout", timeout]);
  },
  "kafka.retry_interval": needless(retriesForEver),
  "kafka.connection_max_retries": needless(retriesForEver),
  "kafka.send_max_retries": needless(retriesForEver),
  "kafka.max_wait_time": needless(retriesForEver),
  "kafka.admin_timeout": needless("a topic that is missing is asked about again until it is there"),
  "kafka.service_retry_interval": needless(retriesForEver),
  "kafka.compression_type": ({ text }) => {
    const known = text.toLowerCase();
    if (known === "gzip" || known === "none") return taken("", ["sink.kafka.compression", known]);
    if (known === "zstd")
      return taken("needs Node 22.15 or newer; wazuh-dfn check says", ["sink.kafka.compression", known]);
    if (known === "") return taken("", ["sink.kafka.compression", "none"]);
    return taken(`${known} is not offered; gzip is understood by every Kafka`, ["sink.kafka.compression", "gzip"]);
  },
  "kafka.producer_config": ownProducerSettings,
  "log.console": needless(logToStandardError),
  "log.keep_files": needless(logToStandardError),
  "log.interval": ({ text }) => {
    const statistics = durationOf(text, 0, 86_400_000);
    if (statistics === undefined) return byHand(`"${text}" is not a number of seconds`);
    return taken("", ["log.statistics", statistics]);
  },
  "log.level": ({ text }) => {
    const levels: Record<string, string> = {
      DEBUG: "debug",
      INFO: "info",
      WARNING: "warn",
      ERROR: "error",
      CRITICAL: "error",
    };
    const level = levels[text.toUpperCase()];
    return level === undefined ? byHand(`"${text}" is not a level`) : taken("", ["log.level", level]);
  },
  "log.file_path": ({ text }) =>
    notNeeded(text === "" ? logToStandardError : `${logToStandardError}; ${text} is not written any more`),
  "health.api.enabled": statusRule,
  "health.api.host": statusRule,
  "health.api.port": statusRule,
  "health.api.auth_token": needless(noPassword),
  "health.api.allowed_ips": needless(noPassword),
  "health.api.rate_limit": needless("connections of the status are bounded"),
  "health.api.rate_limit_window": needless("connections of the status are bounded"),
  "health.api.https_enabled": needless(noPassword),
  "health.api.cert_file": needless(noPassword),
  "health.api.key_file": needless(noPassword),
  "health.stats_interval": needless(
    "figures are logged every log.statistics, and are there at any time: wazuh-dfn status",
  ),
  "health.history_retention": needless("figures of the past are Prometheus's business: /metrics on status.listen"),
  "health.max_history_entries": needless("figures of the past are Prometheus's business: /metrics on status.listen"),
  "health.cache_ttl": needless("a status costs next to nothing, so none is kept"),
  "health.event_queue_size": needless("there is no such queue"),
  "health.queue_warning_threshold": needless(healthByProgress),
  "health.queue_critical_threshold": needless(healthByProgress),
  "health.worker_stall_threshold": needless(healthByProgress),
  "health.kafka_slow_threshold": needless(healthByProgress),
  "health.kafka_extremely_slow_threshold": needless(healthByProgress),
  "misc.num_workers": needless("one thread is enough for more alerts than a manager raises"),
  "misc.own_network": ({ text }) =>
    text === "" ? notNeeded("none was set") : taken("", ["dfn.own_network", text.split(",").map((one) => one.trim())]),
};

/** The manager's home where the path is the usual one below it, else the queue itself; over TCP it is a list there. */
function queueRule({ text, tree }: Given): MigrationOutcome {
  const isUnset = text === "";
  if (isUnset) return notNeeded("the queue socket is found below the manager's home");
  const address = tree?.kind === "list" ? partsOf(tree) : jsonPartsOf(text);
  if (address !== undefined) {
    const [host, port] = address;
    if (address.length !== 2 || !/^\d+$/.test(port ?? "")) {
      return byHand(`"${text}" is not a host and a port: set wazuh.queue to tcp://host:port`);
    }
    const queue = formatQueueAddress({ kind: "tcp", host: host ?? "", port: Number(port) });
    return taken("each event is a line there, as it is here", ["wazuh.queue", queue]);
  }
  if (text.endsWith(queueSocket) && text.length > queueSocket.length) {
    return taken("the queue socket is found below the manager's home", [
      "wazuh.home",
      text.slice(0, -queueSocket.length),
    ]);
  }
  return taken("wazuh.home is where the manager is; only the queue is elsewhere", ["wazuh.queue", text]);
}

function partsOf({ items }: List): string[] {
  return items.map((item) => (item.kind === "text" ? item.text : ""));
}

/** In the environment a list is JSON; undefined: it is none. */
function jsonPartsOf(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) ? found.map(String) : undefined;
  } catch {
    return []; // Not JSON, and no path either: by hand.
  }
}

function alertLogRule({ text, other }: Given): MigrationOutcome {
  const socket = other("wazuh.unix_socket_path");
  const home = socket.endsWith(queueSocket) ? socket.slice(0, -queueSocket.length) : "/var/ossec";
  if (text === `${home}${alertLog}`) return taken("the default, below the manager's home");
  return taken("", ["sources.tail.path", text]);
}

function hasTls(other: Given["other"]): boolean {
  return other("dfn.dfn_cert") !== "" && other("dfn.dfn_key") !== "";
}

function tlsRule({ text, other }: Given, partner: PythonName, name: "cert" | "key"): MigrationOutcome {
  if (text === "" || other(partner) === "")
    return notNeeded("TLS is off, because dfn_cert and dfn_key are not both set");
  return taken("", [`sink.kafka.tls.${name}`, text]);
}

/** Switch, host and port go together into one setting. */
function statusRule({ other }: Given): MigrationOutcome {
  const host = other("health.api.host").toLowerCase();
  const port = other("health.api.port");
  if (!isTrue(other("health.api.enabled"))) return notNeeded("it was off; the status is on a Unix socket by default");
  const address = { "127.0.0.1": "127.0.0.1", localhost: "127.0.0.1", "::1": "[::1]" }[host];
  if (address === undefined) {
    return byHand(
      `other machines reach the status only with status.tls, and status.token_file or status.tls.client_ca, so ${host}:${port} is left out; see docs/status.md`,
    );
  }
  const why = "the paths are the same, the metrics have other names; there is no token";
  return taken(why, ["status.listen", `${address}:${port}`]);
}
