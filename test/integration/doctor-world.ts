import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import type { LinkResult, CheckState } from "../../daemon/doctor/result.ts";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { present } from "../rig/present.ts";
import type { Program } from "../rig/program.ts";
import { ManagerTree, wazuhGroup } from "../rig/wazuh/manager-tree.ts";
import { type Settings, World } from "../rig/world.ts";

export interface DoctorReport {
  readonly state: CheckState;
  readonly links: readonly LinkResult[];
  readonly code: number | string;
}

/** A world in which every link of the chain is in place, and what the doctor says about it. */
export class DoctorWorld implements AsyncDisposable {
  readonly world: World;
  readonly tree: ManagerTree;
  #forwarder: Program | undefined;

  private constructor(world: World, tree: ManagerTree) {
    this.world = world;
    this.tree = tree;
  }

  /** With both daemons; `forwarder: false` leaves the forwarder out. */
  static async create(
    kafka: Kafka,
    options: { settings?: Settings; topic?: false; forwarder?: false } = {},
  ): Promise<DoctorWorld> {
    const { settings, topic } = options;
    const world = await World.create(kafka, { ...(settings && { settings }), ...(topic === false && { topic }) });
    chmodSync(world.directory.path, 0o711);
    const tree = new ManagerTree(world.directory.join("ossec"));
    const made = new DoctorWorld(world, tree);
    tree.addIntegration(`<hook_url>unix:${world.socketPath}</hook_url>\n<group>windows,fail2ban</group>
<event_location>!^dfn$</event_location>\n<alert_format>json</alert_format>`);
    await tree.start("wazuh-analysisd");
    await tree.start("wazuh-integratord");
    if (options.forwarder !== false) made.#forwarder = await world.startForwarder(made.settings());
    return made;
  }

  get forwarder(): Program {
    return present(this.#forwarder);
  }

  /** The socket is open to the fake group. */
  settings(changes: Settings = {}): Settings {
    const socket = { path: this.world.socketPath, group: String(wazuhGroup) };
    return { sources: { socket, tail: { start: "beginning" } }, ...changes };
  }

  /** @param isLate: whether the doctor's own time limits are what the test is about; otherwise it is run again */
  async report(changes: Settings = {}, { isLate = false } = {}): Promise<DoctorReport> {
    return eventually("a report in time", async () => {
      const report = await this.#ask(changes);
      return (isLate || !report.links.some(({ text }) => isOutOfTime(text))) && report;
    });
  }

  /** What is said about one link: `state text`, a line each. */
  async about(link: string, changes?: Settings, options?: { isLate: boolean }): Promise<string> {
    return linesAbout(await this.report(changes, options), link);
  }

  async #ask(changes: Settings): Promise<DoctorReport> {
    const program = this.world.command("doctor", ["--json"], this.settings(changes));
    const code = await program.end();
    const text = program.outputLines.join("\n");
    assert.ok(text.startsWith("{"), program.errorLines.join("\n"));
    const { state, links }: Omit<DoctorReport, "code"> = JSON.parse(text);
    return { state, links, code };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tree[Symbol.asyncDispose]();
    await this.world[Symbol.asyncDispose]();
  }
}

/** Whether the machine was too busy for the doctor's limits: a result then says nothing about the link. */
export function isOutOfTime(text: string): boolean {
  const isOver = /no answer within (?:5 s|50 ms)|could not be checked within|did not end within/;
  return isOver.test(text.replaceAll(/cannot be resolved: .*/g, ""));
}

export function linesAbout({ links }: DoctorReport, link: string): string {
  const found = links.filter((one) => one.link === link);
  return found.map(({ state, text }) => `${state} ${text}`).join("\n");
}
