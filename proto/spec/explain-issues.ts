import type { z } from "zod";
import { printable } from "./excerpt.ts";
import { issueText } from "./issue-text.ts";
import { knownKeys } from "./known-keys.ts";
import { nearest } from "./nearest.ts";
import { type Problem, wrongKey, wrongValue } from "./problem.ts";

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** What a schema says of a document (a `noun`) → problems in our words, one for each value. A misspelt key also makes its right spelling missing: only the misspelling is news. */
export function* explainIssues(schema: Schema, issues: readonly Issue[], noun: string): Generator<Problem, undefined> {
  const seen = new Set<string>();
  const meant = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") continue;
    for (const key of issue.keys) {
      const known = knownKeys(schema, issue.path);
      const near = nearest(key, known);
      if (near !== undefined) meant.add(where([...issue.path, near]));
      yield unknownKey(issue.path, key, known, near);
    }
  }
  for (const issue of issues) {
    const path = where(issue.path);
    if (issue.code === "unrecognized_keys" || seen.has(path)) continue;
    seen.add(path);
    const problem = explain(issue, noun);
    if (problem.code !== "MISSING_KEY" || !meant.has(path)) yield problem;
  }
}

function explain(issue: Issue, noun: string): Problem {
  const { path } = issue;
  if (issue.code === "invalid_key") return wrongKey("BAD_VALUE", path, `${where(path)} ${issue.issues[0]?.message ?? "is no valid name"}`);
  if (issue.input === undefined) return wrongValue("MISSING_KEY", path, `${where(path)} is missing`, path.length === 1 ? `every ${noun} needs it` : `${where(path.slice(0, -1))} needs it`);
  const { message, hint } = issueText(issue);
  return wrongValue("BAD_VALUE", path, `${where(path)}: ${message}`, hint);
}

function unknownKey(parent: readonly PropertyKey[], key: string, known: readonly string[], near: string | undefined): Problem {
  const hint = near !== undefined ? `did you mean "${near}"?` : known.length > 0 ? `known keys: ${known.join(", ")}` : "no keys are known here";
  return wrongKey("UNKNOWN_KEY", [...parent, key], `unknown key "${printable(key).slice(0, 64)}"${parent.length === 0 ? "" : ` in ${where(parent)}`}`, hint);
}

function where(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "the document" : printable(path.map(String).join("."));
}
