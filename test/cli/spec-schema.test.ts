import { readdirSync, readFileSync } from "node:fs";
import t from "tap";
import { parse } from "yaml";
import { z } from "zod";
import { clusterSpecSchema } from "../../proto/spec/schema.ts";
import { brokenSpecs } from "../../proto/spec/testing/broken-specs.ts";
import { golden } from "../golden.ts";

const folder = new URL("../../examples/", import.meta.url);
const textOf = (name: string) => readFileSync(new URL(`${name}.yaml`, folder), "utf8");
// The file that is printed, read by a reader of JSON Schemas: what it refuses is what the document says, not what our schema does.
const published = z.fromJSONSchema(JSON.parse(golden("spec/schema.json", readFileSync(new URL("../golden/spec/schema.json", import.meta.url), "utf8"))) as z.core.JSONSchema.JSONSchema);

t.test("the JSON Schema takes every example", async (t) => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) t.equal(published.safeParse(parse(textOf(file.slice(0, -5)))).error?.message, undefined, file);
});

t.test("and refuses what has the wrong shape, as the parser does", async (t) => {
  let [shapes, relations] = [0, 0];
  for (const { name, text, code } of brokenSpecs(textOf)) {
    if (code === "BAD_YAML") continue;
    const value: unknown = parse(text, { uniqueKeys: false });
    // What a schema can't say: relations, and the few values that only code can judge.
    const shape = clusterSpecSchema.safeParse(value).error?.issues.some((issue) => issue.code !== "custom") ?? false;
    t.equal(published.safeParse(value).success, !shape, `${name}: ${code}`);
    if (shape) shapes++;
    else relations++;
  }
  t.ok(shapes > 30 && relations > 40, `${shapes} shapes, ${relations} relations`);
});

t.test("every key says what it means and who acts on it", async (t) => {
  const bare: string[] = [];
  walk(JSON.parse(golden("spec/schema.json", readFileSync(new URL("../golden/spec/schema.json", import.meta.url), "utf8"))), "", bare);
  t.same(bare, []);
});

function walk(schema: { readonly properties?: Record<string, Record<string, unknown>>; readonly items?: object }, path: string, bare: string[]): void {
  for (const [name, value] of Object.entries(schema.properties ?? {})) {
    if (typeof value["description"] !== "string" || typeof value["x-used-by"] !== "string") bare.push(`${path}.${name}`);
    walk(value, `${path}.${name}`, bare);
  }
  if (schema.items !== undefined) walk(schema.items, `${path}[]`, bare);
}
