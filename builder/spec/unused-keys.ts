import { clusterSpecJsonSchema } from "../../proto/spec/json-schema.ts";
import { NOT_USED_YET, USED_BY } from "../../proto/spec/key.ts";
import type { ClusterSpec } from "../../proto/spec/schema.ts";
import { specDocument } from "../../proto/spec/write-spec.ts";

/** What we read of a JSON Schema. */
interface Schema {
  readonly [USED_BY]?: string;
  readonly default?: unknown;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Keys of a spec that this version checks and doesn't act on, where they say something: "topology.nodes[].vm.disk", sorted as the schema is. */
export function unusedKeys(spec: ClusterSpec): readonly string[] {
  return [...new Set(unused(clusterSpecJsonSchema() as Schema, specDocument(spec), ""))];
}

function* unused(schema: Schema, value: unknown, path: string): Generator<string> {
  if (value === undefined || JSON.stringify(value) === JSON.stringify(schema.default)) return;
  if (schema[USED_BY]?.includes(NOT_USED_YET) === true) yield path;
  else if (Array.isArray(value)) for (const item of value) yield* unused(schema.items ?? {}, item, `${path}[]`);
  else if (typeof value === "object" && value !== null) {
    for (const [name, child] of Object.entries(schema.properties ?? {})) yield* unused(child, (value as Readonly<Record<string, unknown>>)[name], path === "" ? name : `${path}.${name}`);
  }
}
