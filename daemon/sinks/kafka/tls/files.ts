/** Reading the files of `sink.kafka.tls`: bounded, regular files only, and judged by what is in them. */
import { X509Certificate } from "node:crypto";
import { readRegularFileSync } from "../../../disk/read-file.ts";
import { describe, DfnError, errnoOf } from "../../../errors.ts";
import { type FileSetting, formOf, formTrouble } from "./forms.ts";

/** A system's whole store has a quarter of this. */
const maxFileBytes = 1024 * 1024;

const certificateBlock =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** A certificate, and the PEM text that it was read from. */
interface PemCertificate {
  readonly pem: string;
  readonly certificate: X509Certificate;
}

/** An error that names the setting, as `sink.kafka.tls.key: ...`; `settingOf` finds it again. */
export function tlsError(setting: string, text: string, cause?: unknown): DfnError {
  return new DfnError("CONFIG", `sink.kafka.tls.${setting}: ${text}`, { cause });
}

/** The setting that an error of `tlsError` is about, else `sink.kafka.tls`. */
export function tlsSettingName({ message }: DfnError): string {
  return /^(sink\.kafka\.tls\.[a-z_0-9]+): /.exec(message)?.[1] ?? "sink.kafka.tls";
}

/** Reads a file of the settings; links are followed. @throws DfnError CONFIG with setting, file and remedy */
export function readTlsFile(setting: FileSetting, path: string): Buffer {
  try {
    return readRegularFileSync(path, { maxBytes: maxFileBytes, links: "follow" });
  } catch (reason) {
    const why = errnoOf(reason) === "ENOENT" ? "it does not exist" : describe(reason);
    const remedy = "check the path, and that the forwarder's user may read it";
    throw tlsError(setting, `${path} cannot be read (${why}); ${remedy}`, reason);
  }
}

/**
 * The text of a file in the form that the setting wants. A byte order mark of UTF-8 is left out.
 * @throws DfnError CONFIG that says what the file is and how it is converted
 */
export function pemText(setting: "ca" | "cert" | "key", path: string): string {
  const form = formOf(readTlsFile(setting, path));
  const trouble = formTrouble(setting, path, form);
  if (trouble !== undefined || form.kind !== "pem") throw tlsError(setting, trouble ?? path);
  return form.text;
}

/** The certificates of a PEM text, each as a text of its own. */
export function splitPem(text: string): readonly string[] {
  return text.match(certificateBlock) ?? [];
}

/** The certificates of a file in PEM, at least one. @throws DfnError CONFIG */
export function readCertificates(setting: "ca" | "cert", path: string): readonly PemCertificate[] {
  const blocks = splitPem(pemText(setting, path));
  if (blocks.length === 0) throw tlsError(setting, `${path} does not contain a whole certificate; copy the file again`);
  return blocks.map((pem, index) => {
    try {
      return { pem, certificate: new X509Certificate(pem) };
    } catch (reason) {
      const what = `certificate ${index + 1} of ${path} is damaged (${describe(reason)})`;
      throw tlsError(setting, `${what}; copy the file again`, reason);
    }
  });
}
