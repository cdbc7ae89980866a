import { checks, noteChecks } from "./checks/all.ts";
import type { SpecDocument } from "./document.ts";
import type { SpecFault } from "./error.ts";
import type { Check, Problem } from "./problem.ts";
import { locateAll, readObject, specError } from "./read-object.ts";
import { type ClusterSpec, clusterSpecSchema } from "./schema.ts";

/** A spec that was taken. */
export interface SpecReading {
  readonly spec: ClusterSpec;
  /** What is allowed, and still worth a sentence. */
  readonly notes: readonly SpecFault[];
  /** Place in the file of a problem that somebody else finds. */
  readonly locate: SpecDocument["locate"];
}

/**
 * Text of a ClusterSpec → checked spec, with every default filled in (DESIGN §4). `file` is the name in messages; nothing
 * is read from it. Throws SpecError with every fault it finds, up to twenty: those of YAML before those of shapes, those
 * before relations.
 */
export function readClusterSpec(text: string, file: string): SpecReading {
  const { value: spec, locate } = readObject(clusterSpecSchema, text, file, "spec");
  const error = specError(file, locate, runAll(checks, spec));
  if (error !== undefined) throw error;
  return { spec, notes: locateAll(locate, runAll(noteChecks, spec)), locate };
}

/** See {@link readClusterSpec}. */
export function parseClusterSpec(text: string, file: string): ClusterSpec {
  return readClusterSpec(text, file).spec;
}

function* runAll(all: readonly Check[], spec: ClusterSpec): Generator<Problem> {
  for (const check of all) yield* check(spec);
}
