import { choice, path, section } from "../values.ts";

/** `wazuh`: the manager beside which the forwarder runs. */
export const wazuh = section({
  home: path().prefault("/var/ossec"),
  feedback: choice(["on", "errors", "off"]).prefault("on"),
}).prefault({});
