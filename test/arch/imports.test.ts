import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import t from "tap";

const root = new URL("../..", import.meta.url).pathname;

/** Who may import whom; longest folder wins. The compiler refuses the same edges, this test says why. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  "hub/attest": ["proto"],
  hub: ["proto", "hub/attest"],
  agent: ["proto"],
  builder: ["proto", "hub/attest"],
  bench: ["proto", "hub/attest", "hub", "builder"],
  demo: ["proto", "hub/attest", "hub", "agent", "builder"],
  scripts: ["proto", "hub/attest", "hub", "agent", "builder", "demo", "bench"],
  test: ["proto", "hub/attest", "hub", "agent", "builder", "demo", "bench", "scripts"],
};

const WHY: Readonly<Record<string, string>> = {
  proto: "proto is what all sides agree on; if it needs a side, that thing belongs to the side",
  "hub/attest": "the verdict gets facts as arguments: with a database, a clock or a network it could not be replayed offline",
  hub: "the hub judges nodes and must not share code with what it judges, nor with what made the images",
  agent: "the agent's trusted code stays small: formats only",
  builder: "the builder makes bytes; of the hub it may use the pure verdict alone, with which the build host attests the first hub",
  bench: "a benchmark measures what it imports; nothing of a test may be in it",
  demo: "the demo drives the programs; nothing of a test may be in it",
  scripts: "scripts run the programs; nothing of a test may be in them",
  test: "tests import what they test",
};

/** Pure folders: what they may not touch, and why. */
const FORBIDDEN_MODULES: Readonly<Record<string, RegExp>> = {
  proto: /^node:(fs|net|http2?|https|child_process|dgram|os|process|timers|worker_threads|sqlite|tls)/,
  "hub/attest": /^node:(fs|net|http2?|https|child_process|dgram|os|process|timers|worker_threads|sqlite|tls)/,
};

function areaOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((area) => file.startsWith(`${area}/`))
    .sort((a, b) => b.length - a.length)[0];
}

const files = globSync("{proto,hub,agent,builder,bench,demo,scripts,test}/**/*.ts", { cwd: root }).sort();
const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), "utf8").matchAll(/(?:^|[;\s])(?:import|export)\s(?:[^"'`;]*?\sfrom\s)?["']([^"'\n]+)["']|import\(\s*["']([^"'\n]+)["']/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
const isTest = (file: string): boolean => /\.test\.ts$/.test(file) || file.startsWith("test/");

t.test("arrows point one way", async (t) => {
  t.ok(files.length > 40, "the sources were found");
  for (const file of files) {
    const area = areaOf(file);
    if (area === undefined) throw new Error(`no rule for ${file}`);
    for (const target of importsOf(file)) {
      if (!target.startsWith(".")) continue;
      const to = areaOf(relative(root, join(root, dirname(file), target)));
      const allowed = to === area || (to !== undefined && MAY_IMPORT[area]?.includes(to) === true) || (isTest(file) && to !== undefined);
      if (!allowed) t.fail(`${file} imports ${target}: ${WHY[area]}`);
      if (to === "test" && !isTest(file)) t.fail(`${file} imports ${target}: nobody imports test`);
      t.match(target, /\.ts$/, `${file} names the file it imports`);
    }
  }
});

t.test("formats and verdict have no effects", async (t) => {
  for (const file of files.filter((name) => !isTest(name))) {
    const forbidden = FORBIDDEN_MODULES[areaOf(file) ?? ""];
    if (forbidden === undefined) continue;
    for (const target of importsOf(file)) if (forbidden.test(target)) t.fail(`${file} imports ${target}: ${WHY[areaOf(file) ?? ""]}`);
    const text = readFileSync(join(root, file), "utf8");
    for (const word of [/\bDate\.now\(/, /\bMath\.random\(/, /\bprocess\.env\b/, /\bperformance\.now\(/]) {
      if (word.test(text)) t.fail(`${file} uses ${word.source}: no clock, randomness or environment in a pure folder`);
    }
  }
  t.pass("looked at every pure file");
});

t.test("the house's habits", async (t) => {
  for (const file of files) {
    if (file.startsWith("proto/gen/")) continue;
    const text = readFileSync(join(root, file), "utf8");
    if (/^export default /m.test(text)) t.fail(`${file}: no default exports`);
    if (/^export \* /m.test(text)) t.fail(`${file}: no export *`);
    if (/(:|<|as) any\b/.test(text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, ""))) t.fail(`${file}: no any`);
    if (/(^|\/)utils?\.ts$/.test(file)) t.fail(`${file}: no utils`);
    if (!isTest(file) && text.split("\n").length > 300) t.fail(`${file}: over 300 lines, split it`);
    if (isTest(file) && /\b(t\.skip|t\.todo|skip:|todo:)/.test(text) && !file.startsWith("test/arch/")) t.fail(`${file}: a skipped test`);
  }
  t.pass("looked at every file");
});
