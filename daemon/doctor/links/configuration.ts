import { type Problem, problemLine } from "../../config/values/problem.ts";
import { failed, type CheckResult, ok, warning } from "../result.ts";

/** What `check` finds, as results of the doctor. */
export function judgeConfiguration(path: string, problems: readonly Problem[]): CheckResult[] {
  if (problems.length === 0) return [ok(`${path} is valid`)];
  return problems.map((problem) => {
    const { severity } = problem;
    const remedy = `wazuh-dfn check --config ${path}  # fix what it names`;
    const text = problemLine(problem).replace(/^warning: /, "");
    return severity === "error" ? failed(text, remedy) : warning(text, remedy);
  });
}
