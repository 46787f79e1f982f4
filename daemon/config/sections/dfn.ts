import { z } from "zod";
import type { DfnSettings } from "./settings.ts";
import { readNetwork } from "../values/network.ts";
import { listOf, readTopic, section, text } from "../values/schemas.ts";

const inner = section({
  customer_id: text(readTopic),
  own_network: listOf(readNetwork).optional(),
}).transform((it): DfnSettings => ({ customerId: it.customer_id, ownNetworks: it.own_network ?? [] }));

/** Where the whole section is missing, its required setting is named. */
export const dfn = z
  .unknown()
  .transform((written) => written ?? {})
  .pipe(inner);
