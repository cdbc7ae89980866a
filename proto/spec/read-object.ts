import type { z } from "zod";
import { readDocument, type SpecDocument } from "./document.ts";
import { SpecError, type SpecFault } from "./error.ts";
import { explainIssues } from "./explain-issues.ts";
import type { Problem } from "./problem.ts";

/** More than anybody mends at once. */
const MAX_FAULTS = 20;

/** A YAML file that has a schema's shape, and the way back from its values to their lines. */
export interface ReadObject<T> extends Pick<SpecDocument, "fault" | "locate"> {
  readonly value: T;
}

/**
 * YAML text → value of a strict schema, defaults filled in. `file` is the name in messages, `noun` what they call it ("spec"). Throws
 * SpecError with every fault of YAML, or else of shape, up to twenty, in the file's order.
 */
export function readObject<S extends z.ZodType>(schema: S, text: string, file: string, noun: string): ReadObject<z.output<S>> {
  const { value, locate, fault } = readDocument(text, file);
  const result = schema.safeParse(value, { reportInput: true });
  if (!result.success) throw specError(file, locate, explainIssues(schema, result.error.issues, noun)) ?? result.error;
  return { value: result.data, locate, fault };
}

/** One error for these problems; undefined where there are none. */
export function specError(file: string, locate: SpecDocument["locate"], problems: Iterable<Problem>): SpecError | undefined {
  const [first, ...others] = locateAll(locate, problems);
  return first === undefined ? undefined : new SpecError(file, first, others);
}

/** The first twenty problems, in the file's order. */
export function locateAll(locate: SpecDocument["locate"], problems: Iterable<Problem>): readonly SpecFault[] {
  const found: SpecFault[] = [];
  for (const problem of problems) {
    found.push(locate(problem));
    if (found.length === MAX_FAULTS) break;
  }
  return found.sort((a, b) => a.line - b.line || a.column - b.column);
}
