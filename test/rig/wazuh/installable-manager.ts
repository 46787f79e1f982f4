import { existsSync } from "node:fs";
import { appendFile, chmod, chown, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { TempDir } from "../temp-dir.ts";

/** Of user and group wazuh in the fake system. */
export const wazuhId = 990;

/** As the packages leave it: two roots, comments, `<cluster>` switched off. */
const stockConf = `<!--
  Wazuh - Manager - Default configuration. <cluster><node_type>worker</node_type></cluster>
-->

<ossec_config>
  <global>
    <jsonout_output>yes</jsonout_output>
  </global>
  <syscheck>
    <disabled>no</disabled>
    <ignore>/etc/mtab</ignore>
  </syscheck>
  <rootcheck>
    <disabled>no</disabled>
  </rootcheck>
  <cluster>
    <name>wazuh</name>
    <node_name>node01</node_name>
    <node_type>worker</node_type>
    <disabled>yes</disabled>
  </cluster>
</ossec_config>

<ossec_config>
  <localfile>
    <log_format>syslog</log_format>
    <location>/var/log/auth.log</location>
  </localfile>
</ossec_config>
`;

/**
 * A system below a directory, with a Wazuh manager whose programs keep to the contract: they refuse a bad configuration
 * and a script that user wazuh can write to, and count restarts. Needs root, because it has files of other users.
 */
export class InstallableManager implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly root: string;
  readonly home: string;

  private constructor(directory: TempDir, root: string) {
    this.#directory = directory;
    this.root = root;
    this.home = join(root, "var/ossec");
  }

  static async create(
    options: { readonly conf?: string; readonly isRunning?: boolean } = {},
  ): Promise<InstallableManager> {
    const directory = await TempDir.create();
    const tree = new InstallableManager(directory, directory.join("root"));
    await tree.populate(options);
    return tree;
  }

  /** The same in an existing directory. */
  static async at(root: string): Promise<InstallableManager> {
    const tree = new InstallableManager(await TempDir.create(), root);
    await tree.populate({});
    return tree;
  }

  async populate({
    conf = stockConf,
    isRunning = true,
  }: {
    readonly conf?: string;
    readonly isRunning?: boolean;
  }): Promise<void> {
    await mkdir(join(this.root, "etc"), { recursive: true, mode: 0o755 });
    await chmod(this.root, 0o755);
    await this.#system();
    const w = "var/ossec";
    await this.#directories([
      [w, 0o750, 0],
      [`${w}/bin`, 0o750, 0],
      [`${w}/etc`, 0o770, wazuhId],
      [`${w}/etc/rules`, 0o770, 0],
      [`${w}/etc/decoders`, 0o770, 0],
      [`${w}/ruleset/rules`, 0o750, 0],
      [`${w}/integrations`, 0o750, 0],
      [`${w}/logs/alerts`, 0o750, wazuhId],
      [`${w}/queue/sockets`, 0o770, wazuhId],
      [`${w}/var/run`, 0o770, 0],
    ]);
    await this.write(`${w}/etc/ossec.conf`, conf, 0o660, 0, wazuhId);
    await this.write(
      `${w}/etc/rules/local_rules.xml`,
      '<group name="local,">\n<rule id="100001" level="5"></rule>\n</group>\n',
      0o660,
      wazuhId,
      wazuhId,
    );
    await this.write(
      `${w}/ruleset/rules/0015-ossec_rules.xml`,
      '<group name="ossec,">\n<rule id="530" level="0"></rule>\n</group>\n',
      0o640,
      0,
      wazuhId,
    );
    await this.write(`${w}/logs/ossec.log`, "", 0o660, wazuhId, wazuhId);
    if (isRunning) await this.write(`${w}/var/run/running`, "", 0o640, 0, wazuhId);
    for (const name of ["analysisd", "integratord", "syscheckd", "logcollector", "logtest-legacy"]) {
      await this.#program("daemon", `wazuh-${name}`);
    }
    await this.#program("wazuh-control", "wazuh-control");
  }

  /** Users and the traces of systemd; in an existing system, only user wazuh. */
  async #system(): Promise<void> {
    const wazuh = {
      passwd: `wazuh:x:${wazuhId}:${wazuhId}::/var/ossec:/sbin/nologin\n`,
      group: `wazuh:x:${wazuhId}:\n`,
      shadow: "wazuh:!:1::::::\n",
      gshadow: "wazuh:!::\n",
    };
    if (existsSync(this.join("etc/passwd"))) {
      for (const [name, line] of Object.entries(wazuh)) await appendFile(this.join("etc", name), line);
      return;
    }
    await this.write("etc/passwd", `root:x:0:0::/root:/bin/sh\n${wazuh.passwd}`, 0o644);
    await this.write("etc/group", `root:x:0:\n${wazuh.group}`, 0o644);
    await this.write("etc/shadow", `root:*:1::::::\n${wazuh.shadow}`, 0o640);
    await this.write("etc/gshadow", `root:*::\n${wazuh.gshadow}`, 0o640);
    await mkdir(join(this.root, "usr/lib/systemd/system"), { recursive: true });
    await this.write("usr/bin/systemctl", "#!/bin/sh\n", 0o755);
  }

  join(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  get conf(): string {
    return join(this.home, "etc/ossec.conf");
  }

  async write(path: string, text: string | Buffer, mode: number, uid = 0, gid = 0): Promise<void> {
    const file = this.join(path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    await chown(file, uid, gid);
    await chmod(file, mode);
  }

  /** From now on its programs accept everything at once: for tests that run the installer hundreds of times. */
  async agree(): Promise<void> {
    for (const name of await readdir(join(this.home, "bin"))) {
      const text = name === "wazuh-control" ? "#!/bin/sh\necho 'wazuh-analysisd is running...'\n" : "#!/bin/sh\n";
      await this.write(`var/ossec/bin/${name}`, text, 0o750);
    }
  }

  /** For user and group wazuh. */
  async own(path: string, mode: number): Promise<void> {
    await chown(this.join(path), wazuhId, wazuhId);
    await chmod(this.join(path), mode);
  }

  async read(path: string): Promise<string> {
    return readFile(this.join(path), "utf8");
  }

  /** How often the manager was restarted. */
  async restarts(): Promise<number> {
    const text = await this.read("var/ossec/var/run/restarts").catch(() => "");
    return text.split("\n").length - 1;
  }

  /** What the manager complained about at its starts. */
  async complaints(): Promise<string> {
    return this.read("var/ossec/logs/ossec.log");
  }

  async #directories(entries: readonly (readonly [path: string, mode: number, uid: number])[]): Promise<void> {
    for (const [path, mode, uid] of entries) {
      const directory = this.join(path);
      await mkdir(directory, { recursive: true });
      await chown(directory, uid, wazuhId);
      await chmod(directory, mode);
    }
  }

  async #program(source: string, name: string): Promise<void> {
    const file = join(this.home, "bin", name);
    await copyFile(resolve("test/data/manager", source), file);
    await chmod(file, 0o750);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}
