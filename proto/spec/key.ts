import type { z } from "zod";

/** What the JSON Schema and docs/spec.md say of a key beside its shape. */
export const USED_BY = "x-used-by";

/** How {@link USED_BY} begins where a key is checked and nothing acts on it; behind it stands who will. */
export const NOT_USED_YET = "not used yet";

/** A key of the spec: what it means and which part of the project acts on it, in a sentence each. They end up in the JSON Schema. */
export function key<T extends z.ZodType>(schema: T, description: string, usedBy: string): T {
  return schema.meta({ description, [USED_BY]: usedBy }) as T;
}
