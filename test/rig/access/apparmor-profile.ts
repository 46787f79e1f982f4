import { execFileSync } from "node:child_process";
import type { FileUse } from "./file-uses.ts";

interface Rule {
  readonly pattern: RegExp;
  /** Letters of apparmor.d(5): r, w, m, k, x … */
  readonly permissions: string;
  readonly isDenial: boolean;
}

const letterOf = {
  read: "r",
  watch: "r",
  write: "w",
  create: "w",
  remove: "w",
  rename: "w",
  attributes: "w",
  connect: "w",
  lock: "k",
  // The target of a new name needs no more than the new name has.
  link: "l",
  map: "m",
} as const;

/**
 * The file rules of an AppArmor profile, judged as apparmor.d(5) describes them: any rule that allows is enough, and
 * one that denies takes precedence over all. The parser itself puts the includes in.
 */
export class AppArmorProfile {
  readonly #rules: readonly Rule[];

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** @throws Error when the parser does not understand the profile */
  static read(path: string): AppArmorProfile {
    const text = execFileSync("apparmor_parser", ["--preprocess", path], { encoding: "utf8", stdio: "pipe" });
    return new AppArmorProfile(rulesIn(text));
  }

  allows({ path, kind, action }: FileUse): boolean {
    return this.#permits(kind === "directory" && path !== "/" ? `${path}/` : path, letterOf[action]);
  }

  /** Whether the path may be run as a program. */
  allowsToRun(path: string): boolean {
    return this.#permits(path, "x");
  }

  #permits(path: string, letter: string): boolean {
    const matching = this.#rules.filter(
      ({ permissions, pattern }) => permissions.includes(letter) && pattern.test(path),
    );
    return matching.length > 0 && !matching.some(({ isDenial }) => isDenial);
  }
}

function rulesIn(text: string): Rule[] {
  const lines = text.split("\n").map((line) => line.replace(/(^|\s)#.*$/, "").trim());
  const variables = new Map<string, string[]>();
  for (const line of lines) {
    const [, name, values] = /^@\{(\w+)\}\s*\+?=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || values === undefined) continue;
    const words = values.split(/\s+/).map((word) => word.replaceAll('"', ""));
    variables.set(name, [...(variables.get(name) ?? []), ...words.filter((word) => word !== "")]);
  }
  return lines.flatMap((line) => {
    const [, qualifiers = "", path, permissions] =
      /^((?:(?:audit|deny|owner|file)\s+)*)([/@]\S*)\s+([a-zA-Z]+),$/.exec(line) ?? [];
    // A rule for the owner alone would need the file's owner: none of the uses here may depend on one.
    if (path === undefined || permissions === undefined || qualifiers.includes("owner")) return [];
    const isDenial = qualifiers.includes("deny");
    return expanded(path, variables).map((glob) => ({ pattern: expressionOf(glob), permissions, isDenial }));
  });
}

/** Every path that results from the variables in it. */
function expanded(path: string, variables: ReadonlyMap<string, readonly string[]>): string[] {
  const [whole, name = ""] = /@\{(\w+)\}/.exec(path) ?? [];
  if (whole === undefined) return [path.replaceAll(/\/{2,}/g, "/")];
  return (variables.get(name) ?? []).flatMap((value) =>
    expanded(
      path.replace(whole, () => value),
      variables,
    ),
  );
}

/** After a slash and up to the next one or the end, a star stands for at least one character. */
function expressionOf(glob: string): RegExp {
  let expression = "";
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob.charAt(at);
    if (character === "*") {
      const isDouble = glob.charAt(at + 1) === "*";
      const isWhole = glob.charAt(at - 1) === "/" && ["", "/"].includes(glob.charAt(at + (isDouble ? 2 : 1)));
      if (isDouble) at += 1;
      expression += `${isDouble ? "." : "[^/]"}${isWhole ? "+" : "*"}`;
    } else if (character === "[") {
      const end = glob.indexOf("]", at);
      expression += glob.slice(at, end + 1);
      at = end;
    } else {
      const meant: Readonly<Record<string, string>> = { "{": "(?:", "}": ")", ",": "|", "?": "[^/]" };
      expression += meant[character] ?? character.replaceAll(/[.+^$()|\\]/g, "\\$&");
    }
  }
  return new RegExp(`^${expression}$`);
}
