/** Names certificates that Node reads at each start, whatever it does then: a tenth of a second of processor time. */
const variable = "NODE_EXTRA_CA_CERTS";
const aside = "WAZUH_DFN_TEST_NPM_CERTIFICATES";

/** From now on what this process starts does not read them: of all that the tests run only npm needs them. */
export function setCertificatesAside(): void {
  move(variable, aside);
}

/** For tests that let npm ask its registry: it may be behind a proxy with an authority of its own. */
export function useCertificates(): void {
  move(aside, variable);
}

function move(from: string, to: string): void {
  const value = process.env[from];
  if (value === undefined) return;
  process.env[to] = value;
  delete process.env[from];
}
