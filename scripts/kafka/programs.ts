import { spawnSync } from "node:child_process";

/** Compiles nothing, with a header of the C library: a compiler alone is not enough. */
const compilerProbe = ["-E", "-include", "sys/socket.h", "-x", "c", "/dev/null", "-o", "/dev/null"];

/**
 * Programs that have nearly the same name everywhere. `packages`: the first entry that can be installed counts; an entry
 * may name several packages.
 */
const plain = {
  mvn: { probe: ["-v"], packages: ["maven"], label: "Maven (Debian: maven)" },
  openssl: { probe: ["version"], packages: ["openssl"], label: "OpenSSL (Debian: openssl)" },
  "nc.openbsd": { probe: ["-h"], packages: ["netcat-openbsd"], label: "OpenBSD's netcat (Debian: netcat-openbsd)" },
  socat: { probe: ["-V"], packages: ["socat"], label: "socat" },
  rpm: { probe: ["--version"], packages: ["rpm"], label: "rpm" },
  cpio: { probe: ["--version"], packages: ["cpio"], label: "cpio" },
  "dpkg-deb": { probe: ["--version"], packages: ["dpkg"], label: "dpkg" },
  "ansible-playbook": { probe: ["--version"], packages: ["ansible-core"], label: "ansible-core" },
  ip: { probe: ["-V"], packages: ["iproute2", "iproute"], label: "iproute2" },
  nft: { probe: ["--version"], packages: ["nftables"], label: "nftables" },
  debootstrap: { probe: ["--version"], packages: ["debootstrap"], label: "debootstrap" },
  "systemd-analyze": { probe: ["--version"], packages: ["systemd"], label: "systemd" },
  "systemd-nspawn": { probe: ["--version"], packages: ["systemd-container"], label: "systemd-nspawn" },
  tmux: { probe: ["-V"], packages: ["tmux"], label: "tmux" },
  chromium: { probe: ["--version"], packages: ["chromium"], label: "Chromium (Debian: chromium)" },
  bunzip2: { probe: ["--help"], packages: ["bzip2"], label: "bzip2" },
  lintian: { probe: ["--version"], packages: ["lintian"], label: "lintian" },
  rpmlint: { probe: ["--version"], packages: ["rpmlint"], label: "rpmlint" },
  mandoc: { probe: ["/dev/null"], packages: ["mandoc"], label: "mandoc" },
  strace: { probe: ["-V"], packages: ["strace"], label: "strace" },
  apparmor_parser: { probe: ["--version"], packages: ["apparmor"], label: "AppArmor's parser (Debian: apparmor)" },
  checkmodule: { probe: ["-V"], packages: ["checkpolicy"], label: "checkmodule (Debian: checkpolicy)" },
  // It, secilc and matchpathcon print how they are called, and end as if that were a fault.
  semodule_package: {
    probe: ["-h"],
    ends: 1,
    packages: ["semodule-utils"],
    label: "semodule_package (Debian: semodule-utils)",
  },
  semodule: { probe: ["-h"], packages: ["policycoreutils"], label: "semodule (Debian: policycoreutils)" },
  secilc: { probe: ["-h"], ends: 1, packages: ["secilc"], label: "secilc" },
  sesearch: { probe: ["--version"], packages: ["setools", "setools-console"], label: "sesearch (Debian: setools)" },
  matchpathcon: { probe: [], ends: 1, packages: ["selinux-utils"], label: "matchpathcon (Debian: selinux-utils)" },
  shellcheck: { probe: ["--version"], packages: ["shellcheck", "ShellCheck"], label: "shellcheck" },
  gpgv: { probe: ["--version"], packages: ["gpgv", "gnupg2"], label: "gpgv" },
  gpg: { probe: ["--version"], packages: ["gnupg", "gnupg2"], label: "GnuPG (Debian: gnupg)" },
  zstd: { probe: ["--version"], packages: ["zstd"], label: "zstd" },
  xz: { probe: ["--version"], packages: ["xz-utils", "xz"], label: "xz (Debian: xz-utils)" },
  "qemu-aarch64": { probe: ["--version"], packages: ["qemu-user"], label: "QEMU (Debian: qemu-user)" },
  gcc: {
    probe: compilerProbe,
    packages: ["gcc libc6-dev", "gcc glibc-devel", "gcc musl-dev"],
    label: "a C compiler and the C library's headers (Debian: gcc libc6-dev)",
  },
  "aarch64-linux-gnu-gcc": {
    probe: compilerProbe,
    packages: ["gcc-aarch64-linux-gnu libc6-dev-arm64-cross"],
    label: "a C compiler for arm64 (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross)",
  },
  "x86_64-linux-gnu-gcc": {
    probe: compilerProbe,
    packages: ["gcc-x86-64-linux-gnu libc6-dev-amd64-cross"],
    label: "a C compiler for x64 (Debian: gcc-x86-64-linux-gnu libc6-dev-amd64-cross)",
  },
} as const;

type PlainName = keyof typeof plain;

/** A program that the build or the tests need from the system. */
export type ProgramName = "java" | "javac" | PlainName;

/** Kafka 4 does not start with an older one. */
const oldestJava = 17;

/** Test files run in parallel, and each may install what it needs. */
const lockWait = "DPkg::Lock::Timeout=300";

/**
 * Per package manager: how to refresh its lists, how to install, and which packages hold a program. Several names:
 * the first that can be installed counts, because releases of one system differ in the Java versions they carry.
 */
const packageManagers = [
  {
    file: "apt-get",
    refresh: ["-o", lockWait, "update", "-q"],
    install: ["-o", lockWait, "install", "-y", "-q", "--no-install-recommends"],
    jdk: ["openjdk-17-jdk-headless", "openjdk-21-jdk-headless", "default-jdk-headless"],
  },
  { file: "dnf", install: ["install", "-y", "-q"], jdk: ["java-17-openjdk-devel", "java-21-openjdk-devel"] },
  { file: "yum", install: ["install", "-y", "-q"], jdk: ["java-17-openjdk-devel", "java-21-openjdk-devel"] },
  { file: "apk", install: ["add", "-q"], jdk: ["openjdk17-jdk", "openjdk21-jdk"] },
];

/** The programs that are missing here, or too old. */
export function missingPrograms(names: readonly ProgramName[]): ProgramName[] {
  return names.filter((name) => !works(name));
}

/**
 * Installs what is missing with the system's package manager, where this process may (root) and there is one. Says on
 * standard error what it does.
 * @returns what is still missing
 */
export function installPrograms(names: readonly ProgramName[]): ProgramName[] {
  const missing = missingPrograms(names);
  if (missing.length === 0 || process.getuid?.() !== 0) return missing;
  const manager = packageManagers.find(({ file }) => run(file, ["--version"]));
  if (manager === undefined) return missing;
  process.stderr.write(`installing with ${manager.file}: ${missing.join(", ")}\n`);
  if (manager.refresh !== undefined) run(manager.file, manager.refresh);
  const install = (name: string): boolean => run(manager.file, [...manager.install, ...name.split(" ")]);
  if (missing.includes("java") || missing.includes("javac")) manager.jdk.some(install);
  for (const name of missing) if (isPlain(name)) plain[name].packages.some(install);
  return missingPrograms(names);
}

/** One line that says what a person has to install. */
export function howToInstall(missing: readonly ProgramName[]): string {
  const packages = new Set(
    missing.map((name) => {
      if (isPlain(name)) return plain[name].label;
      return `a Java development kit, ${oldestJava} or newer (Debian: openjdk-17-jdk-headless)`;
    }),
  );
  return `please install ${[...packages].join(" and ")}`;
}

function isPlain(name: ProgramName): name is PlainName {
  return name in plain;
}

function works(name: ProgramName): boolean {
  if (isPlain(name)) {
    const program = plain[name];
    return run(name, program.probe, "ends" in program ? program.ends : 0);
  }
  // Both print `openjdk version "17.0.15"` or `javac 17.0.15`, one of them on standard error.
  const { status, stdout, stderr } = spawnSync(name, ["-version"], { encoding: "utf8" });
  const version = /(?:version "|javac )(\d+)/.exec(`${stdout}${stderr}`)?.[1];
  return status === 0 && Number(version) >= oldestJava;
}

function run(file: string, args: readonly string[], ends = 0): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync(file, args, { env, stdio: "ignore" }).status === ends;
}
