import type { z } from "zod";
import { readNetwork } from "../values/network.ts";
import { listOrNone, text, topic } from "../values/schemas.ts";
import { section } from "../values/section.ts";

/** `dfn`. If the whole section is missing, its required setting is named. */
export const dfn = section({
  customer_id: topic(),
  own_network: listOrNone(text(readNetwork)),
}).prefault({});

export type DfnSettings = z.output<typeof dfn>;
