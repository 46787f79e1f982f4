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
    async run(stage) {
      const { ground, forwarder } = stage;
      await using dead = await NameServer.start(deadServer, undefined);
      await using live = await NameServer.start(liveServer, "127.0.0.1");
      await forwarder.stop();
      ground.leadTo(undefined);
      ground.askNames([deadServer, liveServer]);
      try {
        await forwarder.start();
        // The system asks the second server after 5 s.
        await stage.arrival(20_000);
        for (const relay of ground.relays) relay.cut();
        await stage.arrival(10_000);
        check(dead.questions > 0 && live.questions > 0, "not both of the name servers were asked");
      } finally {
        ground.leadTo("127.0.0.1");
        ground.askNames(undefined);
      }
    },
  },
];
