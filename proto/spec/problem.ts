import type { SpecErrorCode } from "./error.ts";
import type { ClusterSpec } from "./schema.ts";

/** A fault by its place in the document's values; where that is in the file, the document knows. */
export interface Problem {
  readonly code: SpecErrorCode;
  readonly path: readonly PropertyKey[];
  /** What is pointed at: the value, or the key before it. */
  readonly at: "key" | "value";
  readonly message: string;
  /** What to write instead; empty where nothing can be said. */
  readonly hint: string;
}

/** What the shapes can't say: a relation between values. Lazy, so that a file with a fault in each of 65,534 nodes costs what its first ones cost. */
export type Check = (spec: ClusterSpec) => Iterable<Problem>;

/** A problem with the value at `path`. */
export function wrongValue(code: SpecErrorCode, path: readonly PropertyKey[], message: string, hint = ""): Problem {
  return { code, path, at: "value", message, hint };
}

/** A problem with the key at `path`: with its being there, or with what is missing below it. */
export function wrongKey(code: SpecErrorCode, path: readonly PropertyKey[], message: string, hint = ""): Problem {
  return { code, path, at: "key", message, hint };
}
