/** What the socket has brought and the log has not, over a restart: with manifests it has to be accounted for when its line comes. */
import { contributionOf } from "../delivery/shipment-account.ts";
import { finishedShipment, type Shipment } from "../delivery/shipment.ts";
import type { Pairing, SavedWindow } from "../pairing/pairing.ts";
import type { Ahead } from "../proof/ahead.ts";
import type { Proof } from "../proof/proof.ts";
import type { Core } from "./core.ts";

interface Parts {
  readonly pairing: Pairing<Shipment> | undefined;
  readonly core: Core;
  /** Undefined without manifests. */
  readonly proof: Proof | undefined;
}

/** What the checkpoint has to keep of finished shipments of the socket. */
export function aheadOf(shipments: readonly Shipment[], pairing: Pairing<Shipment> | undefined): readonly Ahead[] {
  if (pairing === undefined) return [];
  return shipments.flatMap((shipment) => {
    const { id, counted, handle } = shipment;
    if (counted === undefined || handle === 0) return [];
    return [{ ...pairing.placeOf(shipment), id, contribution: contributionOf(counted) }];
  });
}

/** Takes over the window that an earlier process left, as `Pairing.restore`, with what became of its shipments. */
export function restoreWindow(
  { pairing, core, proof }: Parts,
  window: SavedWindow | undefined,
  lastSecond: number,
): void {
  if (pairing === undefined || proof === undefined) return pairing?.restore(window, lastSecond);
  const ahead = proof.formerAhead;
  const known = new Set(ahead.map(({ high, low }) => `${high | 0}.${low | 0}`));
  pairing.restore(window, lastSecond, ({ high, low }) => known.has(`${high | 0}.${low | 0}`));
  for (const one of ahead) {
    if (!pairing.knows(one)) continue;
    const shipment = finishedShipment(one.id, one.contribution);
    pairing.enter(shipment, one, one.occurrence);
    proof.account.reopen(one.contribution.records);
    for (const { digest } of one.contribution.records) proof.undecided.delete(digest);
    core.shipper.restoreAhead(shipment);
  }
}
