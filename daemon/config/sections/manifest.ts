import { duration, path, topic } from "../values/schemas.ts";
import { section, switchable } from "../values/section.ts";

/** Below a second each checkpoint would have a manifest; above an hour nobody notices that a node is silent. */
const intervalRange = { least: 1000, most: 3_600_000 };

const settings = section({
  topic: topic().meta({
    description:
      "The topic of manifests, one for all nodes; not a topic of records. It must not be compacted, and keep what it has at least as long as the topics of records do.",
    examples: ["wazuh-manifests"],
  }),
  interval: duration(intervalRange)
    .prefault("1m")
    .describe("A manifest is published at least this often while the topic can be written, also when nothing happens."),
  key_file: path()
    .optional()
    .meta({
      description:
        "The private key that signs manifests: Ed25519, PEM, without pass phrase, readable for the forwarder alone. Without it they are not signed. To replace it, put the new key next to it, with .next at the end of its name; see docs/for-the-soc.md.",
      examples: ["/etc/wazuh-dfn/manifest.pem"],
    }),
});

/** `manifest`: proof of completeness for whoever reads the topics. */
export const manifest = switchable(settings)
  .prefault("off")
  .describe("Proof for whoever reads the topics that nothing is missing: off, or a section. Needs sources.tail.");
