import type { Outcome } from "../../daemon/contract.ts";
import { Pairing } from "../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../daemon/delivery/shipment.ts";
import { PairingWindow } from "../../daemon/pairing/pairing-window.ts";
import type { PeerCredentials } from "../../daemon/os/native.ts";
import { peerPolicy } from "../../daemon/sources/socket/peers.ts";
import type { SocketIntake } from "../../daemon/sources/socket/connection.ts";
import { SocketSource, type SocketSourceOptions } from "../../daemon/sources/socket/socket-source.ts";
import { silentLog, type Log } from "../../daemon/telemetry/log.ts";
import { Delivery } from "./delivery.ts";
import { LineClient } from "./line-client.ts";
import { MemorySink } from "./memory-sink.ts";
import { TempDir } from "./temp-dir.ts";

export interface SocketWorldOptions extends Partial<SocketSourceOptions> {
  /** Whether there is a tail in addition to the socket; default: true. */
  readonly hasTail?: boolean;
  readonly limitBytes?: number;
  readonly log?: Log;
  /** Users who may send alerts in addition to the one who runs the test. */
  readonly allow?: readonly string[];
}

/** A real socket with the real way of an alert behind it, into a sink in memory. */
export class SocketWorld implements AsyncDisposable {
  readonly sink = new MemorySink();
  readonly delivery: Delivery;
  readonly source: SocketSource;
  readonly path: string;
  readonly temp: TempDir;
  /** Over-long lines: length, and how much of each was kept. */
  readonly overLong: { length: number; keptBytes: number }[] = [];
  readonly refused: PeerCredentials[] = [];
  readonly #clients: LineClient[] = [];

  private constructor(temp: TempDir, options: SocketWorldOptions) {
    const { hasTail = true, limitBytes = 64 * 1024 * 1024, log = silentLog, allow = [], ...given } = options;
    this.temp = temp;
    this.path = options.path ?? temp.join("run", "alerts.sock");
    const pairing = new Pairing<Shipment>(new PairingWindow(1000, 500), { socketOnly: !hasTail });
    this.delivery = new Delivery({ sink: this.sink, pairing, limitBytes }).begin();
    const { pipeline, budget } = this.delivery;
    const file = "socket";
    const intake: SocketIntake = {
      answersAfterOutcome: !hasTail,
      offer: (bytes: Buffer, settled: (outcome: Outcome) => void) =>
        pipeline.offer({
          source: "socket",
          bytes,
          place: { file, offset: 0, length: bytes.length },
          owner: { settled },
        }),
      overLong: (head, length) => {
        this.overLong.push({ length, keptBytes: head.length });
        pipeline.damaged("socket", "over-long", { file, offset: 0, length }, head, { settled: () => undefined });
      },
      room: () => (hasTail ? undefined : budget.room()),
    };
    const settings = { maxLineBytes: 16 * 1024 * 1024, maxConnections: 1100, maxPartialBytes: 64 * 1024 * 1024 };
    const peers = peerPolicy(allow, temp.join("ossec"), log);
    this.source = new SocketSource(
      {
        ...settings,
        mode: 0o660,
        group: "no-such-group",
        peers,
        refused: (peer) => this.refused.push(peer),
        ...given,
        path: this.path,
      },
      intake,
      log,
    );
  }

  /** Not listening yet. */
  static async prepare(options: SocketWorldOptions = {}): Promise<SocketWorld> {
    return new SocketWorld(await TempDir.create(), options);
  }

  static async listen(options: SocketWorldOptions = {}): Promise<SocketWorld> {
    const world = await SocketWorld.prepare(options);
    await world.source.listen();
    return world;
  }

  /** A client that is gone at the latest with this world. */
  async connect(options?: { reads: boolean }): Promise<LineClient> {
    const client = await LineClient.connect(this.path, options);
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // First, so that a source that forgot one of them does not wait for it for ever.
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
    await this.source[Symbol.asyncDispose]();
    await this.temp[Symbol.asyncDispose]();
  }
}
