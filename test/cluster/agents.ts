import { present } from "../rig/present.ts";
import { seededRandom } from "../rig/random.ts";

/** Every manager has one of this id: itself. */
const managersOwn = "000";
const ownShare = 0.05;
/** Without one a node would have nothing to write. */
const fewest = 5;

/** Which agents report to which node at the moment; they move, and keep their ids. */
export class Agents {
  readonly #random: () => number;
  readonly #of = new Map<string, string[]>();
  /** The nodes that each agent has been at. */
  readonly #seenAt = new Map<string, Set<string>>();
  moves = 0;

  /** @param count of agents, spread over the nodes */
  constructor(seed: number, count: number, nodes: readonly string[]) {
    this.#random = seededRandom(seed ^ 0xa6e7);
    for (const node of nodes) this.#of.set(node, []);
    for (let number = 1; number <= count; number++) {
      this.#put(String(number).padStart(3, "0"), present(nodes[number % nodes.length]));
    }
  }

  /** The agent that a node's next alert comes from. */
  pick(node: string): string {
    const own = this.#of.get(node) ?? [];
    if (own.length === 0 || this.#random() < ownShare) return managersOwn;
    return present(own[Math.floor(this.#random() * own.length)]);
  }

  /** A few agents move, from any node to any other. */
  move(count: number): void {
    const nodes = [...this.#of.keys()];
    for (let at = 0; at < count; at++) {
      const [from, to] = [this.#oneOf(nodes), this.#oneOf(nodes)];
      const agents = this.#of.get(from) ?? [];
      if (from === to || agents.length <= fewest) continue;
      const [agent] = agents.splice(Math.floor(this.#random() * agents.length), 1);
      this.#moveTo(present(agent), to);
    }
  }

  /** A node is gone, and its agents go to the others. @returns them */
  leave(node: string): readonly string[] {
    const agents = this.#of.get(node) ?? [];
    this.#of.delete(node);
    const others = [...this.#of.keys()];
    for (const agent of agents) this.#moveTo(agent, this.#oneOf(others));
    return agents;
  }

  /** A node has joined or returned; the given number of agents come to it. */
  join(node: string, count: number): void {
    const others = [...this.#of.keys()];
    this.#of.set(node, []);
    for (let at = 0; at < count; at++) {
      const agents = this.#of.get(this.#oneOf(others)) ?? [];
      if (agents.length <= fewest) continue;
      const [agent] = agents.splice(Math.floor(this.#random() * agents.length), 1);
      this.#moveTo(present(agent), node);
    }
  }

  /** How many have been at more than one node. */
  get wandered(): number {
    return [...this.#seenAt.values()].filter(({ size }) => size > 1).length;
  }

  #moveTo(agent: string, node: string): void {
    this.moves++;
    this.#put(agent, node);
  }

  #put(agent: string, node: string): void {
    present(this.#of.get(node)).push(agent);
    const seenAt = this.#seenAt.get(agent) ?? new Set();
    this.#seenAt.set(agent, seenAt.add(node));
  }

  #oneOf(nodes: readonly string[]): string {
    return present(nodes[Math.floor(this.#random() * nodes.length)]);
  }
}
