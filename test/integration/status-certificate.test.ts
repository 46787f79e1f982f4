/** The certificate of the status service itself, whose end nobody sees but by asking. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { AccessWorld, token } from "./status-access-world.ts";
import { StatusWorld } from "./status-world.ts";

test("a certificate of the status that ends in three days is a reason until a renewed one is in use, which takes a reload", async () => {
  await using access = await AccessWorld.create();
  const { pki, port } = access;
  await pki.make("client-ca", { isAuthority: true });
  const [cert, key] = [pki.path("status.pem"), pki.path("status.key")];
  await pki.make("status", { days: 3 });
  await using world = await StatusWorld.create();
  const settings = JSON.parse(readFileSync(world.config, "utf8"));
  const tls = { cert, key, client_ca: pki.path("client-ca.pem") };
  const status = { listen: `127.0.0.1:${port}`, tls, token_file: pki.path("token") };
  writeFileSync(world.config, JSON.stringify({ ...settings, status }));
  const forwarder = await world.start();
  const shown = async (): Promise<string> => (await world.run("status")).stdout;
  const about = `certificate ${cert} [status-certificate-expiring], for `;
  const text = await eventually("the reason", async () => {
    const now = await shown();
    return now.includes(about) && now;
  });
  assert.match(text, /: status\.tls\.cert: \S+ expires in 2 days, on /);
  assert.match(text, /systemctl reload wazuh-dfn; alerts are not affected\n/);
  assert.doesNotMatch(text, /client-ca\.pem \[/);
  assert.match(text, /^certificate +\S+client-ca\.pem, 59 days left/m);
  await forwarder.waitForLog(/"code":"status-certificate-expiring"/);

  // A renewed file alone changes nothing: what is in use still ends.
  const renewed = await pki.make("renewed");
  copyFileSync(renewed.cert, cert);
  copyFileSync(renewed.key, key);
  const client = await pki.make("client", { issuer: "client-ca", usage: "clientAuth" });
  const ends = /^wazuh_dfn_tls_certificate_expiry_timestamp_seconds\{setting="status\.tls\.cert",file="\S+"\} (\d+)$/m;
  const daysLeft = async (): Promise<number> => {
    const { body } = await access.ask("/metrics", { token, certificate: client });
    return (Number(ends.exec(body)?.[1]) - Date.now() / 1000) / 86_400;
  };
  assert.ok((await shown()).includes(about));
  forwarder.signal("SIGHUP");
  await eventually("the end of the reason", async () => !(await shown()).includes("[status-certificate"));
  const left = await daysLeft();
  assert.ok(left > 58 && left < 61, `${left} days`);
});
