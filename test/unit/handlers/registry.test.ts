import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { Alert } from "../../../daemon/alert/alert.ts";
import { Relevance } from "../../../daemon/delivery/relevance.ts";
import {
  createHandlers,
  handlerDefinitions,
  type HandlersSettings,
  topicsOf,
} from "../../../daemon/handlers/registry.ts";

const context = { customerId: "c", ownNetwork: [] };
const names = (settings: HandlersSettings): string[] => createHandlers(context, settings).map((it) => it.name);

test("only what is switched on is there, each under a name of its own", () => {
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({ windows: undefined, fail2ban: {}, passthrough: undefined }), ["fail2ban"]);
  assert.deepEqual(names({ windows: { eventIds: ["1"] }, fail2ban: {}, passthrough: { topic: "t" } }), [
    "windows",
    "fail2ban",
    "passthrough",
  ]);
});

test("each topic of the handlers that are switched on is looked up once", () => {
  const settings = { windows: { eventIds: ["1"] }, fail2ban: {}, passthrough: { topic: "t" } };
  assert.deepEqual(topicsOf(createHandlers(context, settings)), ["c", "t"]);
  assert.deepEqual(topicsOf(createHandlers(context, { passthrough: { topic: "t" } })), ["t"]);
  assert.deepEqual(topicsOf(createHandlers(context, { fail2ban: {} })), ["c"]);
});

for (const definition of handlerDefinitions) {
  const { name, example } = definition;

  test(`the ${name} handler finds its example and makes a record of it for one of its topics`, () => {
    const handler = definition.create(definition.settings.parse(example.settings), context);
    const bytes = Buffer.from(JSON.stringify(example.alert));
    assert.equal(handler.name, name);
    assert.ok(new Relevance(handler.needles).matches(bytes), "a needle matches");
    const record = handler.record(Alert.parse(bytes));
    assert.ok(record !== undefined && handler.topics.includes(record.topic), record?.topic);
  });

  test(`the printed settings of the ${name} handler read back as the same settings`, () => {
    const settings = definition.settings.parse(example.settings);
    assert.deepEqual(definition.settings.parse(z.encode(definition.settings, settings)), settings);
  });

  test(`the ${name} handler wants its example by what the integration block can filter`, () => {
    const { level, groups, location } = definition.wanted(definition.settings.parse(example.settings));
    const alert = Alert.parse(Buffer.from(JSON.stringify(example.alert)));
    assert.ok((alert.ruleLevel ?? 0) >= level);
    assert.ok(groups === undefined || alert.hasGroup((group) => groups.includes(group)));
    if (location !== undefined) assert.equal(alert.member("location")?.text, location);
  });
}
