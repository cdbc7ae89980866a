import { readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import { clusterSpecJsonSchema } from "../../proto/spec/json-schema.ts";

const page = new URL("../../docs/spec.md", import.meta.url);
const BEGIN = "<!-- reference: written by test/cli/spec-reference.test.ts from the schema -->\n";
const END = "<!-- end of the reference -->\n";

/** What we read of a JSON Schema. */
interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly "x-used-by"?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
}

t.test("the reference says what the schema says", async (t) => {
  const text = readFileSync(page, "utf8");
  const [before, rest = ""] = text.split(BEGIN);
  const expected = `${before}${BEGIN}${reference()}${END}${rest.split(END)[1] ?? ""}`;
  if (process.env["KUBEDOS_GOLDEN"] === "update") writeFileSync(page, expected);
  t.equal(readFileSync(page, "utf8"), expected, "KUBEDOS_GOLDEN=update writes it anew");
});

/** A table for each section. */
function reference(): string {
  const schema = clusterSpecJsonSchema() as Schema;
  const sections = Object.entries(schema.properties ?? {}).map(([name, section]) => {
    const rows = [row(name, section, schema), ...below(name, section)];
    return `### ${name}\n\n| key | value | default | meaning | used by |\n|---|---|---|---|---|\n${rows.join("")}\n`;
  });
  return sections.join("");
}

function below(path: string, schema: Schema): readonly string[] {
  const inner = schema.items ?? (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
  if (inner !== undefined) return below(`${path}${schema.items === undefined ? ".NAME" : "[]"}`, inner);
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => [row(`${path}.${name}`, child, schema), ...below(`${path}.${name}`, child)]);
}

function row(path: string, schema: Schema, parent: Schema): string {
  const name = path.split(".").at(-1) ?? path;
  const standard = schema.default === undefined ? (parent.required?.includes(name) === true ? "required" : "–") : value(schema);
  return `| \`${path}\` | ${kind(schema)} | ${standard} | ${schema.description ?? ""} | ${schema["x-used-by"] ?? ""} |\n`;
}

/** A default that is a whole section is that of its keys. */
function value({ default: standard }: Schema): string {
  if (Array.isArray(standard) && standard.length > 0) return standard.map((item) => `\`${JSON.stringify(item).replaceAll('"', "").replaceAll(",", ", ")}\``).join(" ");
  if (typeof standard === "object") return Array.isArray(standard) ? "none" : "that of its keys";
  return `\`${String(standard)}\``;
}

function kind(schema: Schema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${String(word)}\``).join(", ");
  if (schema.type === "integer") return `${schema.minimum} to ${schema.maximum}`;
  if (schema.type === "array") return `list of ${schema.minItems === schema.maxItems ? schema.maxItems : `${schema.minItems ?? 0} to ${schema.maxItems}`}: ${kind(schema.items ?? {})}`;
  if (typeof schema.additionalProperties === "object") return `by name: ${kind(schema.additionalProperties)}`;
  return { object: "map", boolean: "`true` or `false`", string: "text" }[schema.type ?? ""] ?? "";
}
