import assert from "node:assert/strict";
import { test } from "node:test";
import { internedText } from "../../../daemon/kernel/interned-texts.ts";

test("a text is the bytes between its ends, however many texts there are and however long they are", () => {
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 20_000; number++) {
      const text = number.toString(36).repeat(1 + (number % 20));
      const bytes = Buffer.from(`"${text}"`);
      assert.equal(internedText(bytes, 1, bytes.length - 1), text);
    }
  }
  assert.equal(internedText(Buffer.from('""'), 1, 1), "");
});
