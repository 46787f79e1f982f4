import { handlerDefinitions } from "../handlers/registry.ts";

/**
 * What `config sample` prints: every setting. A line that begins with `#` and a name, without a blank between, holds a
 * default or an example; prose has a blank. A test fills in the two required values, takes the `#` away from the
 * defaults and compares with what the schema says.
 */
export const sample = `# Configuration of wazuh-dfn.
#
# Two values are required: dfn.customer_id and sink.kafka.brokers. Everything else
# has a default, which stands behind a #. An empty value means the default.
# Any setting can also come from the environment, WAZUH_DFN_SINK__KAFKA__BROKERS=a:9093,
# or from the command line, --set sink.kafka.brokers=a:9093. The command line is above
# the environment, which is above this file.
# Durations have a unit (ms, s, m, h, d), sizes too (B, KB, KiB, MB, MiB, GB, GiB).
# Relative paths are below the directory in which wazuh-dfn is started.
# Check it with: wazuh-dfn check --config FILE

dfn:
  # Your customer id, which is also the Kafka topic. Required.
  customer_id:
  # Your own network, or a list of them: fail2ban alerts on addresses in it, or on
  # addresses that are not public, are not sent. Default: every address is sent.
  #own_network: [192.0.2.0/24, "2001:db8::/32"]

wazuh:
  # The manager's home directory.
  #home: /var/ossec
  # Where events for Wazuh go: the path of its queue socket (default: queue/sockets/queue below
  # home), or tcp://host:port of a relay that passes each line on to a manager's queue. Over TCP
  # nothing is encrypted, and the manager behind the relay needs the rules in dfn_rules.xml.
  #queue: /var/ossec/queue/sockets/queue
  # What Wazuh is told on its queue: on (acknowledgements and errors), errors, off.
  #feedback: on

# Where alerts come from. Each of the two stands in for the other; one can be
# switched off (socket: off), not both.
sources:
  # The fast path: integratord runs custom-dfn for each alert, which writes to this socket.
  socket:
    #path: /run/wazuh-dfn/alerts.sock
    # Users who may send alerts, by name or number, besides the forwarder's own. The kernel says who a client is;
    # anybody else is refused and counted. integratord's programs run as wazuh, or as the owner of
    # queue/sockets below wazuh.home where no user has this name.
    #allow: [root, wazuh]
    # Permission bits and group of the socket file.
    #mode: "0660"
    #group: wazuh
    # Longest alert that is taken; at most 256MiB.
    #max_line: 16MiB
    #max_connections: 1024
  # The sure way: reads the manager's own log of alerts, also what came while wazuh-dfn was away.
  tail:
    # Default: logs/alerts/alerts.json below wazuh.home.
    #path: /var/ossec/logs/alerts/alerts.json
    # How long an alert of the log waits for its copy from the socket before it is sent; up to 10m.
    #wait: 0s
    # Where the very first start begins: end, beginning, or a moment such as
    # 2026-11-21T10:00:00+01:00. Every later start goes on where the last one ended.
    #start: end
    # How often the log is looked at while it grows, 10ms to 10s; while it is still the system tells of changes.
    #poll: 100ms
    #max_line: 16MiB

# Where records go: either kafka or file.
sink:
  kafka:
    # One or more brokers as host:port. Required, unless the sink is a file.
    brokers:
    #client_id: wazuh-dfn
    # TLS: off; on (the broker's certificate is checked against the system's CA store); or
    # a section with any of the following. All files are PEM, but for pkcs12.
    #tls: off
    #tls:
      # CA certificates, one file or a list, trusted beside the system's CA store.
      #ca: /etc/wazuh-dfn/ca.pem
      # on: trust the files of ca alone.
      #ca_only: off
      # The client's own certificate (before its issuers, if they are in the file) and key, for
      # mutual TLS. Instead of both, pkcs12: /etc/wazuh-dfn/client.p12 holds certificate and key.
      #cert: /etc/wazuh-dfn/cert.pem
      #key: /etc/wazuh-dfn/key.pem
      # File with the pass phrase of key or pkcs12.
      #passphrase_file: /etc/wazuh-dfn/passphrase
      # The name in the broker's certificate, where it is not the host name above.
      #server_name: kafka.example.org
      # Oldest version that is spoken: TLSv1.2 or TLSv1.3.
      #min_version: TLSv1.2
      # A cipher list of OpenSSL for TLS 1.2; suites of TLS 1.3 (TLS_...) may be among them.
      #ciphers: ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20
    # SASL: off, or a section. The password stands in a file, which is read again for each
    # connection, or in the environment variable WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD; never here.
    #sasl: off
    #sasl:
      # plain, scram-sha-256 or scram-sha-512.
      #mechanism: scram-sha-512
      #username: alice
      #password_file: /etc/wazuh-dfn/password
    # gzip, none, or zstd where Node has it (22.15 and later).
    #compression: gzip
    # How long a record waits for others to travel with, up to 10s.
    #linger: 20ms
    # Most bytes and records of a batch.
    #batch_bytes: 900KB
    #batch_records: 10000
    # Most batches under way per partition, 1 to 5.
    #max_in_flight: 3
    # A broker that has not answered for so long is taken for dead; 1s to 5m.
    #request_timeout: 30s
  # Instead of kafka: one JSON object a line, for instance for hand-over by disk.
  #file: { path: records.ndjson }

# Which alerts are sent, and in which form. Each can be switched on or off (fail2ban: off).
handlers:
${handlerDefinitions.map(({ sample: lines }) => lines).join("")}
# Directory of the position in the log, the lock and the dead letters.
#state_dir: /var/lib/wazuh-dfn

status:
  # Where the forwarder tells how it does: path of a Unix socket, 127.0.0.1:port or [::1]:port.
  #listen: /run/wazuh-dfn/status.sock
  # Further names by which it may be asked on a port, beside its address and localhost.
  #hosts: [status.example.org]

log:
  # debug, info, warn or error.
  #level: info
  # How often figures are logged; 0 for only at the end.
  #statistics: 10m

limits:
  # Most bytes of alerts that have been read and are not done yet.
  #memory: 64MiB
`;
