import { spawnSync } from "node:child_process";
import { installPrograms } from "../../scripts/kafka/programs.ts";

/**
 * Drops packets to and from ports of the loopback network with nftables, in a table of its own: connections are neither
 * refused nor reset, and nobody answers.
 */
export class Firewall implements Disposable {
  readonly #table = `wazuh_dfn_soak_${process.pid}`;
  readonly #ports: string;
  readonly #clearAtExit = (): void => this.clear();

  constructor(ports: readonly number[]) {
    this.#ports = ports.join(", ");
    process.on("exit", this.#clearAtExit);
  }

  /** Whether this process may set rules here; installs nftables if it may. */
  static isAvailable(): boolean {
    return process.getuid?.() === 0 && installPrograms(["nft"]).length === 0 && nft("list tables").status === 0;
  }

  /** @param percent of the packets, each way, at random; 100: a black hole */
  drop(percent: number): void {
    this.clear();
    const chance = percent >= 100 ? "" : `numgen random mod 100 < ${percent} `;
    const rules = ["dport", "sport"].map((side) => `tcp ${side} { ${this.#ports} } ${chance}drop`).join("\n");
    const table = `table inet ${this.#table} {\nchain input {\ntype filter hook input priority 0\n${rules}\n}\n}`;
    const { status, stderr } = nft(table);
    if (status !== 0) throw new Error(`nft refused ${table}: ${stderr}`);
  }

  clear(): void {
    nft(`delete table inet ${this.#table}`); // fails if there is none, which is fine
  }

  [Symbol.dispose](): void {
    this.clear();
    process.off("exit", this.#clearAtExit);
  }
}

function nft(rules: string): { status: number | null; stderr: string } {
  return spawnSync("nft", ["-f", "-"], { input: `${rules}\n`, encoding: "utf8" });
}
