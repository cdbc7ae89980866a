import type { z } from "zod";
import { checks } from "./check.ts";
import { readDocument, type SpecDocument } from "./document.ts";
import type { SpecError } from "./error.ts";
import { knownKeys } from "./known-keys.ts";
import { nearest } from "./nearest.ts";
import { type ClusterSpec, clusterSpecSchema } from "./schema.ts";

/**
 * Text of a ClusterSpec → checked spec, with every default filled in (DESIGN §4). `file` is the name in messages; nothing
 * is read from it. Throws SpecError with the first fault: an unknown key before a wrong value, shapes before relations.
 */
export function parseClusterSpec(text: string, file: string): ClusterSpec {
  const document = readDocument(text, file);
  const result = clusterSpecSchema.safeParse(document.value, { reportInput: true });
  if (!result.success) throw explain(result.error.issues, document);
  for (const check of checks) {
    const fault = check(result.data, document.fault);
    if (fault !== undefined) throw fault;
  }
  return result.data;
}

function explain(issues: readonly z.core.$ZodIssue[], document: SpecDocument): SpecError {
  // A misspelt key also makes its right spelling missing: the misspelling is the news.
  const unknown = issues.find((issue) => issue.code === "unrecognized_keys");
  const issue = unknown ?? issues[0];
  if (issue === undefined) return document.fault("BAD_VALUE", [], "value", "the document is invalid");
  if (issue.code === "unrecognized_keys") return unknownKey(issue.path, issue.keys[0] ?? "", document);
  if (issue.code === "invalid_key") return document.fault("BAD_VALUE", issue.path, "key", `${where(issue.path)} ${issue.issues[0]?.message ?? "is no valid name"}`);
  if (issue.input === undefined) return document.fault("MISSING_KEY", issue.path, "value", `${where(issue.path)} is missing`, "every spec needs it");
  return document.fault("BAD_VALUE", issue.path, "value", `${where(issue.path)}: ${lowerFirst(issue.message)}`);
}

function unknownKey(parent: readonly PropertyKey[], key: string, document: SpecDocument): SpecError {
  const known = knownKeys(clusterSpecSchema, parent);
  const near = nearest(key, known);
  const hint = near !== undefined ? `did you mean "${near}"?` : known.length > 0 ? `known keys: ${known.join(", ")}` : "no keys are known here";
  return document.fault("UNKNOWN_KEY", [...parent, key], "key", `unknown key "${key}"${parent.length === 0 ? "" : ` in ${parent.map(String).join(".")}`}`, hint);
}

function where(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "the document" : path.map(String).join(".");
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
