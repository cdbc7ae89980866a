import { readFileSync } from "node:fs";
import fc from "fast-check";
import t from "tap";
import { parseDocument } from "yaml";
import { SpecError } from "./error.ts";
import { parseClusterSpec } from "./parse.ts";

const exampleText = (name: string) => readFileSync(new URL(`../../examples/${name}.yaml`, import.meta.url), "utf8");
const demo = exampleText("demo");

/** Milliseconds until the text was read or refused; anything but a SpecError comes through. */
function readOrRefuse(text: string): { readonly ms: number; readonly error: SpecError | undefined } {
  const start = performance.now();
  let error: SpecError | undefined;
  try {
    parseClusterSpec(text, "x.yaml");
  } catch (e) {
    if (!(e instanceof SpecError)) throw e;
    error = e;
  }
  return { ms: performance.now() - start, error };
}

t.test("what would cost more than its bytes is refused", async (t) => {
  const laughs = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i}, `.repeat(9)}]`).join("\n");
  const bombs: readonly [string, string, string][] = [
    ["a billion laughs", `l0: &l0 lol\n${laughs}`, "BAD_YAML"],
    ["an alias to itself", "a: &a [*a]", "BAD_YAML"],
    ["lists in lists", "[".repeat(1_000_000), "BAD_YAML"],
    ["lists in lists that end", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, "BAD_YAML"],
    ["maps in maps", "{a: ".repeat(300_000), "BAD_YAML"],
    ["dashes", "- ".repeat(300_000), "BAD_YAML"],
    ["steps", Array.from({ length: 3000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"), "BAD_YAML"],
    ["as deep as nothing is", demo.replace("name: demo", `name: ${"[".repeat(70)}${"]".repeat(70)}`), "BAD_YAML"],
    ["keys by the ten thousand", Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n"), "UNKNOWN_KEY"],
    ["documents without end", "--- a\n".repeat(200_000), "BAD_YAML"],
    ["one long word", `a: ${"x".repeat(8_000_000)}`, "UNKNOWN_KEY"],
    ["a name that makes a pattern think", demo.replace("trust:", `workloads: { images: [${"a.-".repeat(500_000)}] }\ntrust:`), "BAD_VALUE"],
    ["too many characters", `# ${"x".repeat(16 * 1024 * 1024)}`, "TOO_LARGE"],
  ];
  for (const [name, text, code] of bombs) {
    const { ms, error } = readOrRefuse(text);
    t.equal(error?.code, code, `${name}: ${Math.round(ms)} ms`);
    t.ok((error?.message.length ?? 0) < 4096, "and the message stays short");
  }
});

t.test("a spec with thousands of nodes is read", async (t) => {
  const count = 3000;
  const nodes = Array.from({ length: count }, (_, i) => `    - { name: n${i + 1}, role: ${i === 0 ? "master" : "worker"}, index: ${i + 1}, vm: { memory: 1GiB, cpus: 1 } }\n`).join("");
  const addresses = Array.from({ length: count }, (_, i) => `    n${i + 1}: 10.81.${(i + 1) >> 8}.${(i + 1) & 255}\n`).join("");
  const text = demo.replace(/( {2}nodes:\n)( {4}.*\n)+/, `$1${nodes}`).replace(/( {2}addresses:\n)( {4}.*\n)+/, `$1${addresses}`).replace("10.100.10.0/24", "10.81.0.0/16");
  t.equal(readOrRefuse(text).error, undefined);
  const twice = readOrRefuse(text.replaceAll(/index: \d+/g, "index: 7"));
  t.equal(twice.error?.faults.length, 20, "and one with a fault in each of them refused");
});

t.test("spoilt texts are read or refused, and nothing else happens", async (t) => {
  const seed = demo;
  const edit = fc.record({ at: fc.nat(seed.length), drop: fc.nat(12), put: fc.oneof(fc.constantFrom("[", "{", "- ", ": ", "&a ", "*a", "!!x ", "---\n", "\t", "'", '"', "|\n", ">\n", "?", "<<: ", "0x", "~", "\u0000", "\u2028", "__proto__: "), fc.string({ maxLength: 4 })) });
  const spoilt = fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => edits.reduce((text, { at, drop, put }) => text.slice(0, at) + put + text.slice(at + drop), seed));
  let taken = 0;
  fc.assert(
    fc.property(spoilt, (text) => {
      const { error } = readOrRefuse(text);
      if (error === undefined) taken++;
      else for (const { line, column, excerpt } of error.faults) if (line < 1 || column < 1 || /\p{Cc}/u.test(excerpt.text)) throw new Error(`${line}:${column} ${excerpt.text}`);
    }),
    // One seed: a fault that comes and goes helps nobody. Longer runs take another one.
    { numRuns: 200, seed: 20_261_124 },
  );
  t.ok(taken < 200, `${taken} of 200 were still specs: comments and blanks`);
});

t.test("our reader and the library's agree on what it takes", async (t) => {
  const text = exampleText("16-node");
  t.same(parseDocument(text, { version: "1.2" }).toJS().metadata, parseClusterSpec(text, "x.yaml").metadata);
});
