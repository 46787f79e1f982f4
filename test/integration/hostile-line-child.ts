/** Sends a line of the log, from a file, the whole way with both sources on. To be run with little memory: FILE. */
import { readFileSync } from "node:fs";
import { Pairing } from "../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../daemon/delivery/shipment.ts";
import { PairingWindow } from "../../daemon/pairing/pairing-window.ts";
import { createHandlers } from "../../daemon/handlers/registry.ts";
import { defaultEventIds } from "../../daemon/handlers/windows.ts";
import { Delivery, settle } from "../rig/delivery.ts";
import { MemorySink } from "../rig/memory-sink.ts";

const bytes = readFileSync(process.argv[2] ?? "");
const handlers = createHandlers(
  { customerId: "acme", ownNetwork: [] },
  {
    windows: { eventIds: defaultEventIds },
    fail2ban: {},
    passthrough: undefined,
  },
);
const pairing = new Pairing<Shipment>(new PairingWindow(), { socketOnly: false });
const delivery = new Delivery({ sink: new MemorySink(), handlers, pairing }).begin();
const before = process.resourceUsage().maxRSS;
const { verdict } = delivery.offer("tail", bytes);
await settle();
const peakBytes = (process.resourceUsage().maxRSS - before) * 1024;
process.stdout.write(JSON.stringify({ kind: verdict.kind, peakBytes }));
