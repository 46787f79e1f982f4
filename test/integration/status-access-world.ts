import { writeFile } from "node:fs/promises";
import { request, type RequestOptions } from "node:https";
import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { StatusSettings } from "../../daemon/config/sections/status.ts";
import { loadStatusAccess } from "../../daemon/status/access.ts";
import { Metrics } from "../../daemon/status/metrics.ts";
import { plainAnswer, type Route } from "../../daemon/status/route.ts";
import { statusRoutes } from "../../daemon/status/routes.ts";
import { StatusService } from "../../daemon/status/service.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { freePorts } from "../rig/free-ports.ts";
import { Pki, type PkiEntry } from "../rig/pki.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { aForwarder } from "../unit/status/a-forwarder.ts";

export const token = "t0ken-of-the-status-0123456789abcdef";
export const tapToken = "t0ken-of-the-alerts-0123456789abcdef";

/** Routes of the kinds that the service may not have yet. */
const ofOtherKinds: readonly Route[] = [
  {
    kind: "answer",
    path: "/open",
    needs: "nothing",
    summary: "Nothing.",
    responses: {},
    answer: () => plainAnswer(200, "open"),
  },
  {
    kind: "answer",
    path: "/contents",
    needs: "tap-token",
    summary: "Contents of alerts.",
    responses: {},
    answer: () => plainAnswer(200, "contents"),
  },
];

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How a client asks. */
interface Way {
  readonly token?: string;
  readonly certificate?: PkiEntry;
  /** One of this machine's addresses, which stands for another machine. */
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The status service on a port with TLS, and clients of it. */
export class AccessWorld implements AsyncDisposable {
  readonly directory: TempDir;
  readonly pki: Pki;
  readonly service: StatusService;
  readonly port: number;
  readonly server: PkiEntry;

  private constructor(directory: TempDir, pki: Pki, server: PkiEntry, port: number) {
    this.directory = directory;
    this.pki = pki;
    this.server = server;
    this.port = port;
    this.service = new StatusService({
      facts: () => aForwarder(),
      refresh: () => Promise.resolve(),
      metrics: new Metrics(),
      routes: [...statusRoutes, ...ofOtherKinds],
    });
  }

  static async create(): Promise<AccessWorld> {
    const directory = await TempDir.create();
    const pki = new Pki(directory.path);
    const [server, [port = 0]] = await Promise.all([pki.make("status"), freePorts(1)]);
    await writeFile(pki.path("token"), `${token}\n`, { mode: 0o600 });
    await writeFile(pki.path("tap-token"), tapToken, { mode: 0o600 });
    return new AccessWorld(directory, pki, server, port);
  }

  settings(some: Partial<StatusSettings> = {}): StatusSettings {
    return {
      listen: { kind: "tcp", host: "0.0.0.0", port: this.port },
      hosts: [],
      tls: { cert: this.server.cert, key: this.server.key, clientCa: [], clientNames: [] },
      tokenFile: this.pki.path("token"),
      tapTokenFile: undefined,
      allow: [],
      rate: { count: 10_000, perMs: 1000 },
      ...some,
    };
  }

  /** Serves with these settings from now on. */
  async offer(some: Partial<StatusSettings> = {}): Promise<void> {
    const settings = this.settings(some);
    await this.service.serve([{ address: settings.listen, access: loadStatusAccess(settings) }], silentLog);
  }

  /** Asks, and resolves when the head of the answer has come. */
  open(
    path: string,
    { token: sent, certificate, from = "127.0.0.1", headers = {} }: Way = {},
  ): Promise<IncomingMessage> {
    const options: RequestOptions = {
      host: "127.0.0.1",
      port: this.port,
      path,
      agent: false,
      localAddress: from,
      servername: "localhost",
      ca: readFileSync(this.server.cert),
      headers: { ...(sent === undefined ? {} : { authorization: `Bearer ${sent}` }), ...headers },
      ...(certificate === undefined
        ? {}
        : { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }),
    };
    return new Promise((resolve, reject) => {
      const asked = request(options, resolve);
      asked.on("error", reject);
      asked.end();
    });
  }

  async ask(path: string, way?: Way): Promise<Reply> {
    const response = await this.open(path, way);
    const parts: string[] = await response.setEncoding("utf8").toArray();
    return { status: response.statusCode ?? 0, headers: response.headers, body: parts.join("") };
  }

  async statusOf(path: string, way?: Way): Promise<number> {
    return (await this.ask(path, way)).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}
