import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FileUse } from "./file-uses.ts";

const domain = "wazuh_dfn_t";
/** From the reference policy: what all modules depend on, and the domain of unconfined users. */
const modules = ["base", "unconfined"];
/** Where policycoreutils has the program that turns a module into CIL. */
const toCil = "/usr/libexec/selinux/hll/pp";

const classOf = { file: "file", directory: "dir", socket: "sock_file", device: "chr_file" } as const;
const permissionsOf: Readonly<Record<FileUse["action"], readonly string[]>> = {
  read: ["open", "read", "getattr"],
  write: ["open", "write"],
  create: ["create"],
  remove: ["unlink"],
  rename: ["rename"],
  attributes: ["setattr"],
  lock: ["lock"],
  link: ["link"],
  map: ["map", "execute"],
  connect: ["write"],
  watch: ["watch"],
};

/** Our module linked into Debian's policy, and what the forwarder's domain may do in it. */
export class SelinuxPolicy {
  readonly #contexts: string;
  /** `type class permission` */
  readonly #allowed: ReadonlySet<string>;

  private constructor(contexts: string, allowed: ReadonlySet<string>) {
    this.#contexts = contexts;
    this.#allowed = allowed;
  }

  /**
   * @param sources directory with wazuh_dfn.te and wazuh_dfn.fc
   * @param aside an empty directory to work in
   * @throws Error when it does not compile, or names something that the policy does not have
   */
  static build(sources: string, aside: string): SelinuxPolicy {
    mkdirSync(aside);
    const run = (file: string, ...args: string[]): string =>
      execFileSync(file, args, { cwd: aside, encoding: "utf8", stdio: "pipe", maxBuffer: 1 << 28 });
    run("checkmodule", "-M", "-m", "-o", "wazuh_dfn.mod", resolve(sources, "wazuh_dfn.te"));
    run("semodule_package", "-o", "wazuh_dfn.pp", "-m", "wazuh_dfn.mod", "-f", resolve(sources, "wazuh_dfn.fc"));
    // Unpacked and not installed: a policy changes the machine that it is installed on.
    run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "selinux-policy-default");
    const archive = readdirSync(aside).find((name) => name.endsWith(".deb")) ?? "";
    run("dpkg-deb", "-x", archive, "debian");
    for (const name of modules) {
      const path = `debian/usr/share/selinux/default/${name}.pp.bz2`;
      run("sh", "-c", `bunzip2 -c ${path} >${name}.pp && ${toCil} ${name}.pp >${name}.cil`);
      // Which person logs in as which user: these name users of modules that are not here.
      const cil = readFileSync(join(aside, `${name}.cil`), "utf8").replaceAll(/^\(selinuxuser .*$/gm, "");
      writeFileSync(join(aside, `${name}.cil`), cil);
    }
    run("sh", "-c", `${toCil} wazuh_dfn.pp >wazuh_dfn.cil`);
    const cil = [...modules, "wazuh_dfn"].map((name) => `${name}.cil`);
    run("secilc", "-c", "33", "-o", "policy", "-f", "contexts", ...cil);
    const attributes = membersOf(run("seinfo", "-a", "-x", "policy"));
    return new SelinuxPolicy(
      join(aside, "contexts"),
      allowedBy(run("sesearch", "-A", "-s", domain, "policy"), attributes),
    );
  }

  /** The type of each path, by the policy's and our own file contexts; undefined if these say nothing. */
  typesOf(paths: readonly string[]): Map<string, string | undefined> {
    const said = execFileSync("matchpathcon", ["-n", "-f", this.#contexts, ...paths], { encoding: "utf8" });
    const lines = said.trimEnd().split("\n");
    return new Map(paths.map((path, index) => [path, /^\w+:\w+:(\w+):/.exec(lines[index] ?? "")?.[1]]));
  }

  /** What is not allowed in a use of a file with this type; empty when everything is. */
  missingFor({ kind, action }: FileUse, type: string): string[] {
    const wanted = action === "remove" && kind === "directory" ? ["rmdir"] : permissionsOf[action];
    return wanted
      .map((permission) => `${type} ${classOf[kind]} ${permission}`)
      .filter((permission) => !this.#allowed.has(permission));
  }

  allows(type: string, objectClass: string, permission: string): boolean {
    return this.#allowed.has(`${type} ${objectClass} ${permission}`);
  }

  /** All types for which the forwarder's domain has a permission. */
  typesWith(objectClass: string, permission: string): string[] {
    const end = ` ${objectClass} ${permission}`;
    return [...this.#allowed]
      .filter((rule) => rule.endsWith(end))
      .map((rule) => rule.slice(0, -end.length))
      .toSorted();
  }
}

/** seinfo's list: `attribute NAME;`, and below it one type per line. */
function membersOf(listing: string): Map<string, string[]> {
  const members = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of listing.split("\n")) {
    const [, attribute] = /^\s*attribute (\w+);$/.exec(line) ?? [];
    const [, type] = /^\t(\w+)$/.exec(line) ?? [];
    if (attribute !== undefined) members.set(attribute, (current = []));
    else if (type !== undefined) current.push(type);
  }
  return members;
}

/** sesearch's rules, without those that only a boolean switches on. */
function allowedBy(rules: string, members: ReadonlyMap<string, readonly string[]>): Set<string> {
  const allowed = new Set<string>();
  for (const line of rules.split("\n")) {
    const [, target = "", objectClass = "", permissions] =
      /^allow \w+ (\w+):(\w+) (?:\{ )?([\w ]+?)(?: \})?;$/.exec(line) ?? [];
    if (permissions === undefined) continue;
    for (const type of members.get(target) ?? [target]) {
      for (const permission of permissions.split(" ")) allowed.add(`${type} ${objectClass} ${permission}`);
    }
  }
  return allowed;
}
