import { NameServer } from "../../rig/name-server.ts";
import type { Fault } from "../fault.ts";
import { check } from "./support.ts";

const deadServer = "127.0.1.53";
const liveServer = "127.0.2.53";

/** What happens to the name servers. */
export const nameFaults: readonly Fault[] = [
  {
    name: "first-name-server-dead",
    what: "the first of two name servers never answers, when the forwarder starts and when connections end",
    needs: ["names"],
    async run(environment) {
      const { testBed, forwarder } = environment;
      await using dead = await NameServer.start(deadServer, undefined);
      await using live = await NameServer.start(liveServer, "127.0.0.1");
      await forwarder.stop();
      testBed.leadTo(undefined);
      testBed.askNames([deadServer, liveServer]);
      try {
        await forwarder.start();
        // The system asks the second server after 5 s.
        await environment.arrival(20_000);
        for (const relay of testBed.relays) relay.cut();
        await environment.arrival(10_000);
        check(dead.questions > 0 && live.questions > 0, "not both of the name servers were asked");
      } finally {
        testBed.leadTo("127.0.0.1");
        testBed.askNames(undefined);
      }
    },
  },
];
