import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepName } from "../../../daemon/page/way.ts";
// Without the DOM, so it can be part of this project too.
import { pictureOf } from "../../../daemon/page/browser/layout.ts";
import { EventReader } from "../../../daemon/page/sse.ts";

const all: readonly StepName[] = [
  "tail",
  "socket",
  "relevant",
  "ignored",
  "pairing",
  "handlers",
  "queue",
  "sink",
  "deadLetters",
];

test("at any width, with any parts, all steps are in the picture and none covers another", () => {
  const some = [
    all,
    all.filter((name) => name !== "socket"),
    all.filter((name) => !["tail", "pairing"].includes(name)),
  ];
  for (const names of some) {
    for (const width of [200, 320, 360, 768, 899, 900, 1024, 1568]) {
      const { boxes, arrows, height } = pictureOf(names, width);
      assert.deepEqual(boxes.map(({ name }) => name).toSorted(), names.toSorted());
      assert.equal(arrows.length, names.length - 1, `${width}`);
      for (const box of boxes) {
        assert.ok(box.x >= 0 && box.x + box.width <= width && box.y + box.height <= height, `${box.name} at ${width}`);
        for (const other of boxes) {
          const isApart =
            box === other ||
            box.x + box.width <= other.x ||
            other.x + other.width <= box.x ||
            box.y + box.height <= other.y ||
            other.y + other.height <= box.y;
          assert.ok(isApart, `${box.name} and ${other.name} at ${width}`);
        }
      }
    }
  }
});

test("events are found in whatever pieces they come, and comments are none", () => {
  const text =
    'event: status\ndata: {"a":1}\n\n:\n\nevent: other\r\ndata: one\r\ndata: two\r\n\r\ndata\n\nevent: status\n';
  for (const size of [1, 2, 7, 1000]) {
    const found: [string, string][] = [];
    const reader = new EventReader((event, data) => found.push([event, data]));
    for (let at = 0; at < text.length; at += size) reader.take(text.slice(at, at + size));
    assert.deepEqual(found, [
      ["status", '{"a":1}'],
      ["other", "one\ntwo"],
      ["", ""],
    ]);
  }
});

test("an answer that never ends its event is given up before it fills the memory", () => {
  for (const piece of ["x".repeat(100_000), `data: ${"x".repeat(100_000)}\n`]) {
    const reader = new EventReader(() => undefined);
    assert.throws(() => {
      for (let count = 0; count < 1000; count++) reader.take(piece);
    }, /not wazuh-dfn/);
  }
});
