import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../../daemon/config/schema.ts";
import type { SaslSettings } from "../../../daemon/config/sections/kafka.ts";
import { configOf, least, problemsOf } from "./written.ts";

test("the minimal configuration is completed with every default", () => {
  assert.deepEqual(configOf(least), {
    dfn: { customerId: "acme", ownNetwork: [] },
    wazuh: { home: "/var/ossec", queue: { kind: "unix", path: "/var/ossec/queue/sockets/queue" }, feedback: "on" },
    sources: {
      socket: {
        path: "/run/wazuh-dfn/alerts.sock",
        mode: 0o660,
        group: "wazuh",
        allow: ["root", "wazuh"],
        maxLineBytes: 16_777_216,
        maxConnections: 1024,
      },
      tail: {
        path: "/var/ossec/logs/alerts/alerts.json",
        waitMs: 0,
        start: "end",
        pollMs: 100,
        maxLineBytes: 16_777_216,
      },
    },
    sink: {
      kind: "kafka",
      kafka: {
        brokers: ["kafka.example.org:9093"],
        clientId: "wazuh-dfn",
        tls: undefined,
        sasl: undefined,
        compression: "gzip",
        lingerMs: 20,
        batchBytes: 900_000,
        batchRecords: 10_000,
        maxInFlight: 3,
        requestTimeoutMs: 30_000,
      },
    },
    handlers: {
      windows: {
        eventIds: "4625 4719 4964 1102 4794 4724 4697 4702 4698 4672 4720 1100 3697".split(" "),
      },
      fail2ban: {},
      passthrough: undefined,
    },
    stateDir: "/var/lib/wazuh-dfn",
    status: {
      listen: { kind: "unix", path: "/run/wazuh-dfn/status.sock" },
      hosts: [],
      tls: undefined,
      tokenFile: undefined,
      tapTokenFile: undefined,
      allow: [],
      rate: undefined,
    },
    manifest: undefined,
    log: { level: "info", statisticsMs: 600_000 },
    limits: { memoryBytes: 67_108_864 },
  });
});

test("a customer id made of digits keeps its leading zero", () => {
  assert.equal(configOf(least.replace("acme", "0123")).dfn.customerId, "0123");
});

test("alerts.json is looked for below the manager's home unless its path is given", () => {
  const home = `${least}wazuh: { home: /opt/wazuh/ }\n`;
  assert.equal(configOf(home).sources.tail?.path, "/opt/wazuh/logs/alerts/alerts.json");
  assert.equal(configOf(`${home}sources: { tail: { path: /x } }\n`).sources.tail?.path, "/x");
});

function queueOf(section: string): Config["wazuh"]["queue"] {
  return configOf(`${least}wazuh: ${section}\n`).wazuh.queue;
}

test("Wazuh's queue is below the manager's home, at a path of its own, or behind a relay", () => {
  assert.deepEqual(queueOf("{ home: /opt/wazuh/ }"), { kind: "unix", path: "/opt/wazuh/queue/sockets/queue" });
  assert.deepEqual(queueOf("{ home: /opt/wazuh, queue: /run/q }"), { kind: "unix", path: "/run/q" });
  assert.deepEqual(queueOf("{ queue: tcp://relay.example.org:1514 }"), {
    kind: "tcp",
    host: "relay.example.org",
    port: 1514,
  });
  assert.deepEqual(queueOf('{ queue: "tcp://[2001:db8::1]:1" }'), { kind: "tcp", host: "2001:db8::1", port: 1 });
});

test("on and off may be written as true and false", () => {
  const text = `${least}wazuh: { feedback: false }\nsources: { socket: false, tail: true }\nhandlers: { fail2ban: false }\n`;
  const { wazuh, sources, handlers } = configOf(text);
  assert.equal(wazuh.feedback, "off");
  assert.equal(sources.socket, undefined);
  assert.equal(sources.tail?.pollMs, 100);
  assert.equal(handlers.fail2ban, undefined);
});

test("the point at which reading begins may be a time", () => {
  const { tail } = configOf(`${least}sources: { tail: { start: 2026-11-21T10:00:00+01:00 } }\n`).sources;
  assert.deepEqual(tail?.start, new Date("2026-11-21T09:00:00Z"));
  assert.match(problemsOf(`${least}sources: { tail: { start: now } }\n`).join(), /use end, beginning or a time/);
});

test("passthrough has a topic of its own and the same filters as integratord", () => {
  const filters = "{ topic: raw, level: 7, groups: [web, sshd], rule_ids: '5710,5712', location: '!^dfn$' }";
  const { passthrough } = configOf(`${least}handlers: { passthrough: ${filters} }\n`).handlers;
  const expected = { topic: "raw", level: 7, groups: ["web", "sshd"], ruleIds: ["5710", "5712"], location: "!^dfn$" };
  assert.deepEqual(passthrough, expected);
  assert.deepEqual(configOf(`${least}handlers: { passthrough: { topic: raw } }\n`).handlers.passthrough, {
    topic: "raw",
    level: undefined,
    groups: undefined,
    ruleIds: undefined,
    location: undefined,
  });
  assert.deepEqual(problemsOf(`${least}handlers: { passthrough: { topic: acme } }\n`), [
    "c.yaml:3: handlers.passthrough.topic: is the topic of dfn.customer_id, whose reader expects other records; name a topic of its own",
  ]);
});

function listen(address: string): string {
  return `${least}status: { listen: "${address}" }\n`;
}

test("the status is on a Unix socket or an address; what other machines reach needs tls and a token or client_ca", () => {
  assert.deepEqual(configOf(listen("127.0.0.1:9090")).status.listen, { kind: "tcp", host: "127.0.0.1", port: 9090 });
  assert.deepEqual(configOf(listen("[::1]:9090")).status.listen, { kind: "tcp", host: "::1", port: 9090 });
  for (const text of ["localhost:9090", "9090", ":9090", "1.2.3:9090", "::1:9090", "[1.2.3.4]:9090"]) {
    assert.match(problemsOf(listen(text)).join(), /is not an address and a port; use the path/, text);
  }
  assert.match(problemsOf(listen("127.0.0.1:99999")).join(), /a port from 1 to 65535/);
  const pair = "cert: c.pem, key: k.pem";
  for (const address of ["0.0.0.0:9090", "[::]:9090", "192.0.2.1:9090", "[::ffff:127.0.0.1]:9090"]) {
    const status = (more: string): string => `${least}status: { listen: "${address}"${more} }\n`;
    assert.match(
      problemsOf(status("")).join(),
      /to other machines, which needs tls \(cert and key\), and token_file or/,
    );
    assert.match(problemsOf(status(", token_file: t")).join(), /which needs tls/);
    assert.match(problemsOf(status(`, tls: { ${pair} }`)).join(), /anybody could read it; add token_file .*or both/);
    assert.match(problemsOf(status(`, tls: { ${pair} }, tap_token_file: t`)).join(), /anybody could read it/);
    assert.equal(configOf(status(`, tls: { ${pair} }, token_file: t`)).status.tokenFile, "t");
    assert.deepEqual(configOf(status(`, tls: { ${pair}, client_ca: a.pem }`)).status.tls?.clientCa, ["a.pem"]);
  }
});

function offered(some: string): string {
  return `${least}status: { listen: "0.0.0.0:8443", ${some} }\n`;
}

test("the access to the status is as it is written, and what contradicts itself is refused", () => {
  const tls = "tls: { cert: c.pem, key: k.pem, client_ca: [a.pem, b.pem], client_names: [mon.example.org] }";
  const access = "token_file: t, tap_token_file: p, allow: [192.0.2.0/24, 2001:db8::1], rate: 120/m";
  const { listen: _, hosts: __, ...found } = configOf(offered(`${tls}, ${access}`)).status;
  assert.deepEqual(found, {
    tls: { cert: "c.pem", key: "k.pem", clientCa: ["a.pem", "b.pem"], clientNames: ["mon.example.org"] },
    tokenFile: "t",
    tapTokenFile: "p",
    allow: ["192.0.2.0/24", "2001:db8::1/128"],
    rate: { count: 120, perMs: 60_000 },
  });
  const wrong: Readonly<Record<string, RegExp>> = {
    "tls: { cert: c.pem }, token_file: t": /status\.tls\.key: is missing/,
    "tls: { cert: c.pem, key: k.pem, client_names: [a] }, token_file: t":
      /client_names narrows tls\.client_ca, and there/,
    "tls: { cert: c.pem, key: k.pem }, token_file: t, tap_token_file: t": /are one file/,
    [`${tls}, rate: 120`]: /"120" is not a rate; use a number and a unit such as 120\/m/,
    [`${tls}, rate: 0/m`]: /is not a rate/,
    [`${tls}, rate: 1/d`]: /is not a rate/,
    [`${tls}, allow: [192.0.2.1/24]`]: /write 192\.0\.2\.0\/24/,
    [`${tls}, allow: [example.org]`]: /is not a network/,
    [`${tls}, tokens: t`]: /unknown setting/,
  };
  for (const [text, expected] of Object.entries(wrong)) assert.match(problemsOf(offered(text)).join(), expected, text);
});

function hosts(text: string): string {
  return `${least}status: { listen: "127.0.0.1:9090", hosts: ${text} }\n`;
}

test("the status may be requested under further host names, given without a port", () => {
  const written = '[Status.example.org, "[2001:DB8::1]", 192.0.2.1]';
  assert.deepEqual(configOf(hosts(written)).status.hosts, ["status.example.org", "2001:db8::1", "192.0.2.1"]);
  for (const wrong of ["a:9090", "http://a", "'*'"]) {
    assert.match(problemsOf(hosts(`["${wrong}"]`)).join(), /is not a host; use a name or an address/, wrong);
  }
});

test("values outside their range are refused, and the range is named", () => {
  const cases: Record<string, RegExp> = {
    "sink.kafka.max_in_flight=6": /use a whole number from 1 to 5$/,
    "sink.kafka.max_in_flight=2.5": /use a whole number from 1 to 5$/,
    "sink.kafka.batch_bytes=1MB": /too large; use a size such as 900KB or 64MiB, from 1KB to 900KB$/,
    "limits.memory=1MB": /too small; use a size .* from 1MiB to 16GiB$/,
    "sink.kafka.compression=snappy": /use one of gzip, none, zstd$/,
    "handlers.passthrough.level=17": /from 0 to 16$/,
    "handlers.windows.event_ids=4625,x": /"x" is not allowed; use numbers/,
    "handlers.windows.event_ids=4625,,1": /"" is not allowed; use numbers/,
    "dfn.customer_id=..": /is not a topic name/,
    [`dfn.customer_id=${"x".repeat(250)}`]: /is not a topic name/,
    [`sources.socket.path=/${"x".repeat(107)}`]: /at most 107 bytes, this one has 108/,
    "wazuh.queue=relay:1514": /is neither a path nor tcp:\/\/host:port; use/,
    "wazuh.queue=udp://relay:1514": /udp is not offered; use the path of a Unix socket, or tcp/,
    "wazuh.queue=tcp://relay": /is not a host and a port/,
    "wazuh.queue=tcp://u:p@relay:1": /is not a host and a port/,
    "wazuh.queue=tcp://[relay]:1": /is not a host and a port/,
    "wazuh.queue=tcp://relay:65536": /use 1 to 65535/,
    [`wazuh.queue=/${"x".repeat(107)}`]: /at most 107 bytes, this one has 108/,
    "state_dir=~/state": /~ is the shell's/,
    "sources.socket.mode=660": /is not a mode/,
    "sink.kafka.client_id=a b": /is not allowed/,
    "sink.kafka.brokers=a:0": /use 1 to 65535/,
    "sink.kafka.brokers=http://a:1": /is not a broker/,
    "sink.kafka.brokers=[a]:1": /names no host/,
    "sink.kafka.brokers=a:1,2001:db8::1:9092": /is not a broker/,
    "manifest.interval=999ms": /too small; use a duration .* from 1s to 1h$/,
    "manifest.interval=61m": /too large; use a duration .* from 1s to 1h$/,
    "handlers.windows.event_ids=": /^$/,
  };
  for (const [set, message] of Object.entries(cases)) {
    if (message.source === "^$") configOf(least, { sets: [set] });
    else assert.match(problemsOf(least, { sets: ["handlers.passthrough.topic=t", set] }).join(), message, set);
  }
});

function tls(section: string): string {
  return least.replace("] }", `], tls: ${section} }`);
}

test("a TLS section is judged as a whole", () => {
  const kafka = (text: string) => {
    const { sink } = configOf(tls(text));
    return sink.kind === "kafka" ? sink.kafka.tls : undefined;
  };
  const plainTls = {
    ca: [],
    caOnly: false,
    cert: undefined,
    key: undefined,
    pkcs12: undefined,
    passphraseFile: undefined,
    serverName: undefined,
    minVersion: "TLSv1.2",
    ciphers: "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20",
  };
  assert.deepEqual(kafka("on"), plainTls);
  assert.deepEqual(kafka("{ ca: [/a, /b], ca_only: true }"), { ...plainTls, ca: ["/a", "/b"], caOnly: true });
  assert.deepEqual(kafka("{ ca: /a, cert: c, key: k }"), { ...plainTls, ca: ["/a"], cert: "c", key: "k" });
  const strict = "{ pkcs12: /p, passphrase_file: /s, min_version: TLSv1.3, ciphers: 'ECDHE+AESGCM:!aNULL' }";
  const expected = { pkcs12: "/p", passphraseFile: "/s", minVersion: "TLSv1.3", ciphers: "ECDHE+AESGCM:!aNULL" };
  assert.deepEqual(kafka(strict), { ...plainTls, ...expected });
  assert.match(problemsOf(tls("{ cert: c }")).join(), /cert and key belong together/);
  assert.match(problemsOf(tls("{ cert: c, key: k, pkcs12: p }")).join(), /give either pkcs12, or cert and key/);
  assert.match(
    problemsOf(tls("{ min_version: TLSv1.1 }")).join(),
    /"TLSv1\.1" is not allowed; use one of TLSv1\.2, TLSv1\.3/,
  );
  assert.match(problemsOf(tls("{ ciphers: 'a$(b)' }")).join(), /is not a cipher list of OpenSSL; the default is ECDHE/);
  assert.match(problemsOf(tls("{ ca_only: on }")).join(), /there is no ca/);
});

function sasl(password: string): SaslSettings | undefined {
  const { sink } = configOf(least.replace("] }", `], sasl: { mechanism: SCRAM-SHA-512, username: u${password} } }`));
  return sink.kind === "kafka" ? sink.kafka.sasl : undefined;
}

test("the SASL password comes from a file, or else from the environment", () => {
  assert.deepEqual(sasl(", password_file: /p"), {
    mechanism: "scram-sha-512",
    username: "u",
    password: { kind: "file", path: "/p" },
  });
  assert.deepEqual(sasl("")?.password, { kind: "environment", variable: "WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD" });
});
