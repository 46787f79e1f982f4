/** `/metrics` of `verify --watch`. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { DfnError, describe } from "../../errors.ts";
import { findingKinds } from "../../verify/finding.ts";
import type { VerifyResult } from "../../verify/verification.ts";
import type { MetricsAddress } from "./verify-options.ts";

const maxNodes = 1000;
const maxConnections = 16;
const requestMs = 5000;
const results = ["complete", "unproven", "incomplete", "unknown"] as const;

/** Prometheus' text form. @param at when it was verified, in milliseconds since 1970 */
export function metricsOf(result: VerifyResult, at: number): string {
  const lines: string[] = [];
  const metric = (name: string, help: string, samples: readonly (readonly [labels: string, value: number])[]): void => {
    lines.push(`# HELP wazuh_dfn_verify_${name} ${help}`, `# TYPE wazuh_dfn_verify_${name} gauge`);
    for (const [labels, value] of samples) lines.push(`wazuh_dfn_verify_${name}${labels} ${value}`);
  };
  const nodes = result.nodes.slice(0, maxNodes);
  metric(
    "result",
    "1 for what was found last",
    results.map((word) => [`{result="${word}"}`, Number(word === result.result)]),
  );
  metric("findings", "Findings, by kind and node", findings(result));
  metric("unknown", "Reasons why something cannot be known", [["", result.unknown.length]]);
  metric(
    "buckets",
    "Minutes or hours of a topic and handler, by node and what became of them",
    nodes.flatMap(({ node, verdicts }) =>
      Object.entries(verdicts).map(([verdict, count]) => [labelsOf({ node, verdict }), count] as const),
    ),
  );
  metric(
    "records",
    "Records that were read, by node",
    nodes.map(({ node, records }) => [labelsOf({ node }), records]),
  );
  metric(
    "lag_seconds",
    "Age of the lowest bucket that may still grow, by node",
    nodes.flatMap(({ node, lagMs }) => (lagMs === undefined ? [] : [[labelsOf({ node }), lagMs / 1000] as const])),
  );
  metric("last_manifest_timestamp_seconds", "When the last manifest of a node came", lastManifests(result));
  metric("last_run_timestamp_seconds", "When the topics were last compared", [["", at / 1000]]);
  return `${lines.join("\n")}\n`;
}

function findings({ findings: all }: VerifyResult): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const kind of findingKinds) counts.set(labelsOf({ kind, node: "" }), 0);
  for (const { kind, node } of all) {
    const labels = labelsOf({ kind, node });
    if (counts.size < maxNodes || counts.has(labels)) counts.set(labels, (counts.get(labels) ?? 0) + 1);
  }
  return [...counts];
}

function lastManifests({ streams, live }: VerifyResult): (readonly [string, number])[] {
  const times = new Map<string, number>();
  for (const { stream, chain } of streams) {
    const last = chain.at(-1);
    if (last === undefined || !live.has(stream) || times.size >= maxNodes) continue;
    const labels = labelsOf({ node: last.node });
    times.set(labels, Math.max(times.get(labels) ?? 0, last.cameMs / 1000));
  }
  return [...times];
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${labelText(value)}"`)
    .join(",")}}`;
}

function labelText(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** Serves what `text` gives, to this machine. */
export class MetricsServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws DfnError IO if the address cannot be taken */
  static async listen({ host, port }: MetricsAddress, text: () => string): Promise<MetricsServer> {
    const server = createServer({ requestTimeout: requestMs, headersTimeout: requestMs }, (request, response) => {
      const isAsked = request.method === "GET" && request.url === "/metrics";
      const type = { "content-type": "text/plain; version=0.0.4; charset=utf-8", connection: "close" };
      response.writeHead(isAsked ? 200 : 404, type).end(isAsked ? text() : "there is GET /metrics\n");
    });
    server.maxConnections = maxConnections;
    try {
      await once(server.listen(port, host), "listening");
    } catch (cause) {
      throw new DfnError("IO", `verify: --listen ${host}:${port}: ${describe(cause)}`, { cause });
    }
    return new MetricsServer(server);
  }

  /** Where it answers. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}/metrics`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
