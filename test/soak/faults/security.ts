import { passwords } from "../ground.ts";
import type { Fault } from "../fault.ts";
import { statusSays } from "./support.ts";

const outageMs = 2500;

/** What happens to certificates and passwords. */
export const securityFaults: readonly Fault[] = [
  {
    name: "server-certificate-expired",
    what: "the brokers show an expired certificate, and a good one again; the status names it",
    async run(stage) {
      stage.ground.use("EXPIRED");
      await stage.pass(outageMs);
      await statusSays(stage, /expired/i);
      stage.ground.use("GOOD");
    },
  },
  {
    name: "authority-replaced",
    what: "brokers and client get certificates of another authority; the files are replaced without a reload",
    slowRecovery: "replaced files are promised within 10 s",
    async run(stage) {
      const tls = stage.directory.join("tls");
      stage.ground.use("OTHERCA");
      await stage.pass(outageMs);
      stage.ground.writeClientFiles(tls, "other-ca");
      await stage.arrival(10_000);
      stage.ground.writeClientFiles(tls, "ca");
      stage.ground.use("GOOD");
      await stage.arrival(10_000);
    },
  },
  {
    name: "password-changed",
    what: "the brokers want another password, and the old one again; the status names it",
    async run(stage) {
      stage.ground.use("OTHERPASSWORD");
      await stage.pass(outageMs);
      await statusSays(stage, /authentication|password|SASL/i);
      stage.ground.use("GOOD");
    },
  },
  {
    name: "password-replaced",
    what: "the brokers want another password; its file is replaced without a reload",
    slowRecovery: "replaced files are promised within 10 s",
    async run(stage) {
      stage.ground.use("OTHERPASSWORD");
      await stage.pass(outageMs);
      stage.writePassword(passwords.OTHERPASSWORD);
      await stage.arrival(10_000);
      stage.writePassword(passwords.GOOD);
      stage.ground.use("GOOD");
      await stage.arrival(10_000);
    },
  },
];
