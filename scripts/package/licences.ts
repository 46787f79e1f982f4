/** The licences of the package: one expression, and Debian's machine-readable copyright file. */
import type { LicensedComponent } from "./components.ts";
import { nodeVersion } from "./parts.ts";

const ownLicence = "Apache-2.0";

/** Of what the Node binary holds, by its LICENSE file (24.21.0), without what is only in Node's source. */
const nodeLicences = [
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "ISC",
  "MIT",
  "Unicode-3.0",
  "Zlib",
];

/** SPDX expression for all that is inside. */
export function licenceExpression(components: readonly Pick<LicensedComponent, "licence">[]): string {
  const all = new Set([ownLicence, ...nodeLicences, ...components.map(({ licence }) => licence)]);
  return [...all].toSorted().join(" AND ");
}

/** In the form of https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/; paths are those of the source. */
export function copyrightFile(components: readonly LicensedComponent[]): string {
  const paragraphs = [
    ["Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/", "Upstream-Name: wazuh-dfn"],
    ["Files: *", "Copyright: 2026 The wazuh-dfn authors", `License: ${ownLicence}`],
    [
      "Files: usr/lib/wazuh-dfn/bin/node",
      "Copyright: Node.js contributors",
      "           Joyent, Inc. and other Node contributors",
      `License: ${nodeLicences.join(" and ")}`,
      `Comment: Node ${nodeVersion}, as its project built it. It holds libraries of others, each under its own`,
      ` licence: licences/node-${nodeVersion} has all texts.`,
    ],
    ...components.map((component) => [
      `Files: node_modules/${component.name}/*`,
      `Copyright: ${holdersOf(component).join("\n           ")}`,
      `License: ${component.licence}`,
      `Comment: ${component.name} ${component.version}; its text: licences/${component.name.replace("/", "-")}-${component.version}`,
    ]),
    [
      `License: ${ownLicence}`,
      " Licensed under the Apache License, Version 2.0: you may not use these files except in compliance with it.",
      " On Debian systems its text is in /usr/share/common-licenses/Apache-2.0, everywhere in LICENSE next to this file.",
    ],
    ...[...new Set([...nodeLicences, ...components.map(({ licence }) => licence)])]
      .filter((licence) => licence !== ownLicence)
      .toSorted()
      .map((licence) => [
        `License: ${licence}`,
        " The text, with each holder's own notice, is in licences/ next to this file.",
      ]),
  ];
  return paragraphs.map((lines) => `${lines.join("\n")}\n`).join("\n");
}

/** Who the licence text names: its lines that begin with "Copyright", but not the blank of the Apache licence's appendix. */
function holdersOf({ name, licenceText }: LicensedComponent): string[] {
  const named = licenceText
    .split("\n")
    .flatMap((line) => /^\W*Copyright (?!\[yyyy\])(.*)$/.exec(line)?.[1]?.trim() ?? []);
  const holders = named.map((line) => line.replace(/^(?:\(c\)|©)\s*/i, ""));
  return holders.length > 0 ? holders : [`the authors of ${name}`];
}
