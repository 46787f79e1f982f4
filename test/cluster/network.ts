import { spawnSync } from "node:child_process";
import { installPrograms } from "../../scripts/kafka/programs.ts";
import { loopback } from "../rig/broker-properties.ts";
import { begins, unprivileged } from "../soak/test-bed.ts";

/** The same on all hosts, as happens with containers and copies of machines. */
const hostName = "manager";
const firstHost = 11;
/** A namespace outlives the process that made it, however that ends. */
const endings = ["SIGINT", "SIGTERM"] as const;

/**
 * Hosts with networks of their own, on one switch with the brokers: network namespaces on a bridge. If this process may
 * not make them (it is not root, or in a container), all hosts are this machine, and none can be cut off.
 */
export class Network implements Disposable {
  /** Where the brokers listen. */
  readonly address: string;
  readonly isReal: boolean;
  readonly #bridge = `dfn${process.pid}b`;
  readonly #subnet = `198.18.${process.pid % 256}`;
  readonly #hosts: Host[] = [];
  readonly #clearAtExit = (): void => this.#clear();
  readonly #endBySignal = (): void => process.exit(1);

  constructor() {
    this.isReal = mayMakeHosts();
    this.address = this.isReal ? `${this.#subnet}.1` : loopback;
    if (!this.isReal) return;
    process.on("exit", this.#clearAtExit);
    for (const signal of endings) process.on(signal, this.#endBySignal);
    ip("link", "add", this.#bridge, "type", "bridge");
    ip("addr", "add", `${this.address}/24`, "dev", this.#bridge);
    ip("link", "set", this.#bridge, "up");
  }

  /** One more host on the switch. */
  addHost(bundle: string): Host {
    const number = this.#hosts.length + 1;
    if (!this.isReal) return this.#keep(new Host(bundle, undefined));
    const wire = { namespace: `dfn-${process.pid}-${number}`, port: `dfn${process.pid}p${number}` };
    ip("netns", "add", wire.namespace);
    const host = this.#keep(new Host(bundle, wire));
    ip("link", "add", wire.port, "type", "veth", "peer", "name", "eth0", "netns", wire.namespace);
    ip("link", "set", wire.port, "master", this.#bridge, "up");
    const inside = (...args: string[]): void => ip("-n", wire.namespace, ...args);
    inside("addr", "add", `${this.#subnet}.${firstHost + number}/24`, "dev", "eth0");
    inside("link", "set", "eth0", "up");
    inside("link", "set", "lo", "up");
    return host;
  }

  [Symbol.dispose](): void {
    this.#clear();
    process.off("exit", this.#clearAtExit);
    for (const signal of endings) process.off(signal, this.#endBySignal);
  }

  #keep(host: Host): Host {
    this.#hosts.push(host);
    return host;
  }

  #clear(): void {
    for (const { wire } of this.#hosts.splice(0)) {
      if (wire === undefined) continue;
      spawnSync("ip", ["link", "del", wire.port]); // the namespace may outlive its last process by a moment
      spawnSync("ip", ["netns", "del", wire.namespace]);
    }
    if (this.isReal) spawnSync("ip", ["link", "del", this.#bridge]);
  }
}

interface Wire {
  readonly namespace: string;
  /** The host's port at the switch. */
  readonly port: string;
}

/** One host: what runs there sees its network and its host name, and is an ordinary user. */
export class Host {
  readonly bundle: string;
  readonly wire: Wire | undefined;

  constructor(bundle: string, wire: Wire | undefined) {
    this.bundle = bundle;
    this.wire = wire;
  }

  /** The program and arguments that run node there; standard error begins as `TestBed.forwarderCommand` says. */
  forwarderCommand(args: readonly string[]): [string, string[]] {
    if (this.wire === undefined) return ["bash", ["-c", `${begins} "$0" "$@"`, process.execPath, ...args]];
    const user = `setpriv --reuid ${unprivileged} --regid ${unprivileged} --clear-groups`;
    const script = `echo ${hostName} > /proc/sys/kernel/hostname && ${begins} ${user} -- "$0" "$@"`;
    const inside = ["unshare", "--uts", "bash", "-c", script, process.execPath, ...args];
    return ["ip", ["netns", "exec", this.wire.namespace, ...inside]];
  }

  /** Pulls its plug, or plugs it in again: the host sees it. */
  unplug(isOut: boolean): void {
    ip("link", "set", this.#wired.port, isOut ? "down" : "up");
  }

  /**
   * The switch drops what comes from it and goes to it, or stops doing so: the host does not see why nobody answers.
   */
  mute(isMuted: boolean): void {
    const [disabled, forwarding] = ["0", "3"];
    call("bridge", "link", "set", "dev", this.#wired.port, "state", isMuted ? disabled : forwarding);
  }

  get #wired(): Wire {
    if (this.wire === undefined) throw new Error("this host has no network of its own");
    return this.wire;
  }
}

function succeeds(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args).status === 0;
}

/** Tries it: a namespace, a bridge, and the command that a host's forwarder is started with. */
function mayMakeHosts(): boolean {
  if (process.getuid?.() !== 0 || installPrograms(["ip"]).length > 0) return false;
  const name = `dfn${process.pid}t`;
  try {
    return (
      succeeds("ip", "netns", "add", name) &&
      succeeds("ip", "link", "add", name, "type", "bridge") &&
      succeeds("ip", "netns", "exec", name, "unshare", "--uts", "setpriv", "--clear-groups", "true")
    );
  } finally {
    spawnSync("ip", ["link", "del", name]);
    spawnSync("ip", ["netns", "del", name]);
  }
}

function ip(...args: readonly string[]): void {
  call("ip", ...args);
}

function call(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
