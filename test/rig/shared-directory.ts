/** Names the directory of what test files share; set by the test command, and removed with its end. */
export const sharedDirectoryVariable = "WAZUH_DFN_TEST_SHARED";

/** Where the files of one run of the test command keep what all of them only read; undefined: this one runs alone. */
export function sharedDirectory(): string | undefined {
  return process.env[sharedDirectoryVariable];
}
