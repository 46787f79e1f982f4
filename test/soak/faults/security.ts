import { passwords } from "../test-bed.ts";
import type { Fault } from "../fault.ts";
import { statusSays } from "./support.ts";

const outageMs = 2500;

/** What happens to certificates and passwords. */
export const securityFaults: readonly Fault[] = [
  {
    name: "server-certificate-expired",
    keepsProcess: true,
    what: "the brokers show an expired certificate, and a good one again; the status names it",
    async run(environment) {
      environment.testBed.use("EXPIRED");
      await environment.pass(outageMs);
      await statusSays(environment, /expired/i);
      environment.testBed.use("GOOD");
    },
  },
  {
    name: "authority-replaced",
    keepsProcess: true,
    what: "brokers and client get certificates of another authority; the files are replaced without a reload",
    slowRecovery: "replaced files are promised within 10 s",
    async run(environment) {
      const tls = environment.directory.join("tls");
      environment.testBed.use("OTHERCA");
      await environment.pass(outageMs);
      environment.testBed.writeClientFiles(tls, "other-ca");
      await environment.arrival(10_000);
      environment.testBed.writeClientFiles(tls, "ca");
      environment.testBed.use("GOOD");
      await environment.arrival(10_000);
    },
  },
  {
    name: "password-changed",
    keepsProcess: true,
    what: "the brokers want another password, and the old one again; the status names it",
    async run(environment) {
      environment.testBed.use("OTHERPASSWORD");
      await environment.pass(outageMs);
      await statusSays(environment, /authentication|password|SASL/i);
      environment.testBed.use("GOOD");
    },
  },
  {
    name: "password-replaced",
    keepsProcess: true,
    what: "the brokers want another password; its file is replaced without a reload",
    slowRecovery: "replaced files are promised within 10 s",
    async run(environment) {
      environment.testBed.use("OTHERPASSWORD");
      await environment.pass(outageMs);
      environment.writePassword(passwords.OTHERPASSWORD);
      await environment.arrival(10_000);
      environment.writePassword(passwords.GOOD);
      environment.testBed.use("GOOD");
      await environment.arrival(10_000);
    },
  },
];
