import { readNetwork } from "../values/network.ts";
import { listOrNone, text, topic } from "../values/schemas.ts";
import { section } from "../values/section.ts";

/** `dfn`. If the whole section is missing, its required setting is named. */
export const dfn = section({
  customer_id: topic().describe("Your customer id, which is also the Kafka topic."),
  own_network: listOrNone(text(readNetwork)).meta({
    description:
      "Your own network, or a list of them: fail2ban alerts about addresses in it, or about addresses that are not public, are not sent. Default: every address is sent.",
    examples: [["192.0.2.0/24", "2001:db8::/32"]],
  }),
})
  .prefault({})
  .describe("Who you are to DFN-CERT.");
