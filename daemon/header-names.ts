/** Names of the headers of every record (docs/wire-format.md). */
export const headerNames = {
  id: "wazuh-alert-id",
  node: "wazuh-node",
  source: "wazuh-dfn-source",
  handler: "wazuh-dfn-handler",
} as const;
