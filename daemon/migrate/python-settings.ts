/** A setting of the Python daemon, version 0.23.1. */
interface PythonSetting {
  /** The environment variable, which is above the file. */
  readonly variable: string;
  /** As text; empty for null, and where the rule does not ask for it. */
  readonly default: string;
}

/** `[variable, default]` per setting; of defaults, those that decide on something here. */
const table = {
  "wazuh.unix_socket_path": ["WAZUH_UNIX_SOCKET_PATH", "/var/ossec/queue/sockets/queue"],
  "wazuh.max_event_size": ["WAZUH_MAX_EVENT_SIZE", ""],
  "wazuh.json_alert_file": ["WAZUH_JSON_ALERT_FILE", "/var/ossec/logs/alerts/alerts.json"],
  "wazuh.json_alert_prefix": ["WAZUH_JSON_ALERT_PREFIX", ""],
  "wazuh.json_alert_suffix": ["WAZUH_JSON_ALERT_SUFFIX", ""],
  "wazuh.max_retries": ["WAZUH_MAX_RETRIES", ""],
  "wazuh.retry_interval": ["WAZUH_RETRY_INTERVAL", ""],
  "wazuh.max_connection_failures_per_event": ["WAZUH_MAX_CONNECTION_FAILURES_PER_EVENT", ""],
  "wazuh.connection_failure_backoff_base": ["WAZUH_CONNECTION_FAILURE_BACKOFF_BASE", ""],
  "wazuh.max_retry_wait_time": ["WAZUH_MAX_RETRY_WAIT_TIME", ""],
  "wazuh.max_connection_wait_attempts": ["WAZUH_MAX_CONNECTION_WAIT_ATTEMPTS", ""],
  "wazuh.connection_wait_sleep_interval": ["WAZUH_CONNECTION_WAIT_SLEEP_INTERVAL", ""],
  "wazuh.connection_timeout": ["WAZUH_CONNECTION_TIMEOUT", ""],
  "wazuh.read_timeout": ["WAZUH_READ_TIMEOUT", ""],
  "wazuh.write_timeout": ["WAZUH_WRITE_TIMEOUT", ""],
  "wazuh.json_alert_file_poll_interval": ["WAZUH_JSON_ALERT_FILE_POLL_INTERVAL", ""],
  "wazuh.store_failed_alerts": ["WAZUH_STORE_FAILED_ALERTS", "False"],
  "wazuh.failed_alerts_path": ["WAZUH_FAILED_ALERTS_PATH", "/opt/wazuh-dfn/failed-alerts"],
  "wazuh.max_failed_files": ["WAZUH_MAX_FAILED_FILES", ""],
  "wazuh.json_alert_queue_size": ["WAZUH_JSON_ALERT_QUEUE_SIZE", ""],
  "wazuh.integration_name": ["WAZUH_INTEGRATION_NAME", ""],
  "dfn.dfn_broker": ["DFN_BROKER_ADDRESS", "kafka.example.org:443"],
  "dfn.dfn_cert": ["DFN_CERT_PATH", "/opt/wazuh-dfn/certs/dfn-cert.pem"],
  "dfn.dfn_key": ["DFN_KEY_PATH", "/opt/wazuh-dfn/certs/dfn-key.pem"],
  "dfn.dfn_ca": ["DFN_CA_PATH", ""],
  "dfn.dfn_id": ["DFN_CUSTOMER_ID", ""],
  "kafka.timeout": ["KAFKA_TIMEOUT", ""],
  "kafka.retry_interval": ["KAFKA_RETRY_INTERVAL", ""],
  "kafka.connection_max_retries": ["KAFKA_CONNECTION_MAX_RETRIES", ""],
  "kafka.send_max_retries": ["KAFKA_SEND_MAX_RETRIES", ""],
  "kafka.max_wait_time": ["KAFKA_MAX_WAIT_TIME", ""],
  "kafka.admin_timeout": ["KAFKA_ADMIN_TIMEOUT", ""],
  "kafka.service_retry_interval": ["KAFKA_SERVICE_RETRY_INTERVAL", ""],
  "kafka.compression_type": ["KAFKA_COMPRESSION_TYPE", ""],
  "kafka.producer_config": ["KAFKA_PRODUCER_CONFIG", ""],
  "log.console": ["LOG_CONSOLE_ENABLED", ""],
  "log.keep_files": ["LOG_KEEP_FILES", ""],
  "log.interval": ["LOG_INTERVAL", ""],
  "log.level": ["LOG_LEVEL", ""],
  "log.file_path": ["LOG_FILE_PATH", ""],
  "health.api.enabled": ["HEALTH_HTTP_SERVER_ENABLED", "False"],
  "health.api.host": ["HEALTH_API_HOST", "127.0.0.1"],
  "health.api.port": ["HEALTH_API_PORT", "8080"],
  "health.api.auth_token": ["HEALTH_API_AUTH_TOKEN", ""],
  "health.api.allowed_ips": ["HEALTH_API_ALLOWED_IPS", ""],
  "health.api.rate_limit": ["HEALTH_API_RATE_LIMIT", ""],
  "health.api.rate_limit_window": ["HEALTH_API_RATE_LIMIT_WINDOW", ""],
  "health.api.https_enabled": ["HEALTH_API_HTTPS_ENABLED", ""],
  "health.api.cert_file": ["HEALTH_API_CERT_FILE", ""],
  "health.api.key_file": ["HEALTH_API_KEY_FILE", ""],
  "health.stats_interval": ["HEALTH_STATS_INTERVAL", ""],
  "health.history_retention": ["HEALTH_HISTORY_RETENTION", ""],
  "health.max_history_entries": ["HEALTH_MAX_HISTORY_ENTRIES", ""],
  "health.cache_ttl": ["HEALTH_CACHE_TTL", ""],
  "health.event_queue_size": ["HEALTH_EVENT_QUEUE_SIZE", ""],
  "health.queue_warning_threshold": ["HEALTH_QUEUE_WARNING_THRESHOLD", ""],
  "health.queue_critical_threshold": ["HEALTH_QUEUE_CRITICAL_THRESHOLD", ""],
  "health.worker_stall_threshold": ["HEALTH_WORKER_STALL_THRESHOLD", ""],
  "health.kafka_slow_threshold": ["HEALTH_KAFKA_SLOW_THRESHOLD", ""],
  "health.kafka_extremely_slow_threshold": ["HEALTH_KAFKA_EXTREMELY_SLOW_THRESHOLD", ""],
  "misc.num_workers": ["MISC_NUM_WORKERS", ""],
  "misc.own_network": ["MISC_OWN_NETWORK", ""],
} as const satisfies Record<string, readonly [variable: string, preset: string]>;

export type PythonName = keyof typeof table;

/** All of them, in the order of its documentation. */
export const pythonNames = Object.keys(table).filter(isPythonName);

export function isPythonName(name: string): name is PythonName {
  return Object.hasOwn(table, name);
}

export function pythonSetting(name: PythonName): PythonSetting {
  const [variable, preset] = table[name];
  return { variable, default: preset };
}
