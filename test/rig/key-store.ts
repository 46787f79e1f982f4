import { spawnSync } from "node:child_process";
import { basename, join } from "node:path";

/** Of the stores that are made here. */
export const storePassword = "in the tests alone";

/**
 * The key and certificates of a PEM file as PKCS#12: brokers before Kafka 3 want a password for every store of a key.
 * @param directory where to
 * @returns path
 */
export function asPkcs12(pem: string, directory: string): string {
  const path = join(directory, `${basename(pem)}.p12`);
  const args = ["pkcs12", "-export", "-in", pem, "-out", path, "-passout", `pass:${storePassword}`];
  const { status, stderr, error } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.slice(0, 4).join(" ")}: ${error?.message ?? stderr}`);
  return path;
}
