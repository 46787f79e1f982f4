import { choice, path, section } from "../values.ts";

export const wazuh = section({
  home: path().prefault("/var/ossec"),
  feedback: choice(["on", "errors", "off"]).prefault("on"),
}).prefault({});
