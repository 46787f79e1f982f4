import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { debChangelog, readChangelog, rpmChangelogTags } from "../../../scripts/package/changelog.ts";
import { readMaintainer } from "../../../scripts/package/entry.ts";
import { rpmTagOf } from "../../../scripts/package/sign.ts";

const page = `# Changelog

What changed.

## [Unreleased]

### Security

- A key is read
  once more.

## [1.1.0] - 2026-02-03

### Fixed

- Nothing that anybody saw, but it took a sentence that is longer than a line of a Debian changelog may be.
- More.

## [1.0.0] - 2026-01-02

### Added

- All of it.
`;
const maintainer = "A Builder <b@example.org>";

function debOf(text: string, version: string): string {
  return debChangelog({ releases: readChangelog(text), version, epochS: 1_800_000_000, maintainer });
}

test("unreleased changes belong to the package that is built, with its date", () => {
  assert.equal(
    debOf(page, "1.1.0"),
    `wazuh-dfn (1.1.0) stable; urgency=medium

  * Security: A key is read once more.
  * Fixed: Nothing that anybody saw, but it took a sentence that is longer than
    a line of a Debian changelog may be.
  * Fixed: More.

 -- A Builder <b@example.org>  Fri, 15 Jan 2027 08:00:00 +0000

wazuh-dfn (1.0.0) stable; urgency=medium

  * Added: All of it.

 -- A Builder <b@example.org>  Fri, 02 Jan 2026 12:00:00 +0000
`,
  );
});

test("a released version has its own date, and a pre-release has a version that sorts before it", () => {
  const released = page.replace(/## \[Unreleased\][^]*?(?=## \[1\.1)/, "");
  assert.match(debOf(released, "1.1.0"), /^ -- A Builder <b@example\.org> {2}Tue, 03 Feb 2026 12:00:00 \+0000$/m);
  assert.match(debOf(page, "1.2.0-rc.1"), /^wazuh-dfn \(1\.2\.0~rc\.1\) stable[^]*^wazuh-dfn \(1\.1\.0\)/m);
});

test("an RPM gets the same entries, newest first", () => {
  const releases = readChangelog(page);
  const tags = new Map(rpmChangelogTags({ releases, version: "1.1.0", epochS: 1_800_000_000, maintainer }));
  assert.deepEqual(tags.get(1080), { kind: "int32", values: [1_800_000_000, 1_767_355_200] });
  assert.deepEqual(tags.get(1081), {
    kind: "strings",
    values: [`${maintainer} - 1.1.0-1`, `${maintainer} - 1.0.0-1`],
  });
  assert.deepEqual(tags.get(1082), {
    kind: "strings",
    values: [
      "- Security: A key is read once more.\n- Fixed: Nothing that anybody saw, but it took a sentence that is longer than a line of a Debian changelog may be.\n- Fixed: More.",
      "- Added: All of it.",
    ],
  });
});

test("a version without entries, and a line of an unknown form, stop the build", () => {
  const released = page.replace(/## \[Unreleased\][^]*?(?=## \[1\.1)/, "");
  assert.throws(() => debOf(released, "2.0.0"), /CHANGELOG\.md says nothing about 2\.0\.0: add a section for it/);
  for (const line of ["* a star", "- without a kind", "## 1.0.0", "## [1.0.0]", "## [Unreleased] - 2026-01-01"]) {
    const text = `# Changelog\n\n## [1.0.0] - 2026-01-02\n\n${line}\n`;
    assert.throws(() => readChangelog(text), /^Error: CHANGELOG\.md, line 5: ".*" is not a release/, line);
  }
});

test("the repository's own changelog can be read, and its newest release is that of package.json or older", () => {
  const releases = readChangelog(readFileSync("CHANGELOG.md", "utf8"));
  const { version }: { version: string } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.equal(releases.find((release) => release.version !== undefined)?.version, version);
  assert.ok(releases.every(({ changes, epochS }) => changes.length > 0 || epochS === undefined));
});

test("a maintainer is a name and an address, on one line", () => {
  assert.equal(readMaintainer("A. Müller, SOC <soc@example.org>"), "A. Müller, SOC <soc@example.org>");
  for (const text of [
    "",
    "soc@example.org",
    "<soc@example.org>",
    " <soc@example.org>",
    "A <b>",
    "A <b@c> x",
    "A\nVersion: 9 <b@c>",
  ]) {
    assert.throws(() => readMaintainer(text), /--maintainer: ".*" is not of the form "Name <mail>"/s, text);
  }
});

/** The beginning of a signature packet's body. */
function body(version: number, algorithm: number): Buffer {
  return Buffer.from([version, 0, algorithm, 10, 0, 0]);
}

function packet(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x88, content.length]), content]);
}

test("the tag of an rpm's signature depends on the kind of key, in each form that a packet's length has", () => {
  const rsa = body(4, 1);
  for (const head of [
    [0x88, 6],
    [0x89, 0, 6],
    [0x8a, 0, 0, 0, 6],
    [0xc2, 6],
    [0xc2, 0xc0, 0],
    [0xc2, 0xff, 0, 0, 0, 6],
  ]) {
    assert.equal(rpmTagOf(Buffer.concat([Buffer.from(head), rsa])), 268, head.join());
  }
  for (const algorithm of [17, 19, 22]) assert.equal(rpmTagOf(packet(body(4, algorithm))), 267);
  assert.throws(() => rpmTagOf(packet(body(5, 22))), /signatures of version 4, and this key makes version 5/);
  assert.throws(() => rpmTagOf(packet(body(4, 27))), /OpenPGP algorithm 27.*use an RSA key/);
  assert.throws(() => rpmTagOf(Buffer.from("-----BEGIN PGP")), /not a signature/);
  assert.throws(() => rpmTagOf(Buffer.alloc(0)), /not a signature/);
});
