import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ATTEST_CODES } from "../../hub/attest/codes.ts";

const root = new URL("../..", import.meta.url).pathname;
const text = readFileSync(join(root, "docs/verdict.md"), "utf8");

interface Row {
  readonly id: string;
  readonly codes: readonly string[];
  /** File, and how its test's title begins. */
  readonly tests: readonly (readonly [string, string])[];
  readonly check: string;
}

const rows: readonly Row[] = text
  .split("\n")
  .filter((line) => /^\| (P\d|[a-z]+ \|)/.test(line) && !line.startsWith("| id "))
  .map((line) => {
    const [, id = "", check = "", codes = "", tests = ""] = line.split("|").map((cell) => cell.trim());
    return {
      id,
      check,
      codes: [...codes.matchAll(/`([A-Z0-9_]+)`/g)].map((m) => m[1] ?? ""),
      tests: [...tests.matchAll(/`([^`]+\.ts)`: `([^`]+)`/g)].map((m) => [m[1] ?? "", m[2] ?? ""] as const),
    };
  });

/** What a test's title begins with, as it stands in the source: after the quote of a call. */
function hasTest(file: string, title: string): boolean {
  const path = join(root, file);
  if (!existsSync(path)) return false;
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`\\(\\s*["\`]${escaped}`).test(readFileSync(path, "utf8"));
}

t.test("every pitfall has its row, in order", async (t) => {
  const expected = Array.from({ length: 33 }, (_, i) => `P${i + 1}`).flatMap((id) => (id === "P29" ? [id, "P29b"] : [id]));
  t.same(rows.filter((r) => r.id.startsWith("P")).map((r) => r.id), expected);
});

t.test("every row has a test, named after it where the check is the verdict's own", async (t) => {
  for (const { id, check, codes, tests } of rows) {
    if (id === "P33") {
      t.match(check, /^can't apply/, "P33 says why it has no test");
      continue;
    }
    t.ok(tests.length > 0, `${id} names a test`);
    for (const [file, title] of tests) t.ok(hasTest(file, title), `${id}: ${file} has a test "${title}…"`);
    const isPure = id.startsWith("P") && !/\bNot pure\b/.test(check);
    if (isPure) t.ok(tests.some(([file, title]) => title.startsWith(`${id} `) && hasTest(file, title)), `${id} has a test named after it`);
    else if (id.startsWith("P")) t.ok(codes.length >= 0, `${id} is held elsewhere`);
  }
});

t.test("what spoils evidence starts from a real TPM's", async (t) => {
  const files = new Set(rows.flatMap((r) => r.tests.filter(([, title]) => title.startsWith(`${r.id} `)).map(([file]) => file)));
  t.ok(files.size > 3);
  for (const file of files) t.match(readFileSync(join(root, file), "utf8"), /from "(\.\.\/)+test\/(swtpm|fakes)\/[a-z-]+\.ts"/, `${file} takes its machine from test/`);
  for (const file of files) t.notMatch(readFileSync(join(root, file), "utf8"), /soft-machine/, `${file} has no machine whose keys lie in the test`);
});

t.test("every code has a row, and every row's codes exist", async (t) => {
  const known = Object.keys(ATTEST_CODES);
  const used = new Set(rows.flatMap((r) => r.codes));
  t.same(known.filter((code) => !used.has(code)), [], "codes without a row");
  t.same([...used].filter((code) => !known.includes(code)), [], "codes that don't exist");
});

t.test("every code is asserted by a test of the verdict", async (t) => {
  const tests = globSync("hub/attest/*.test.ts", { cwd: root }).map((file) => readFileSync(join(root, file), "utf8")).join("\n");
  t.same(Object.keys(ATTEST_CODES).filter((code) => !tests.includes(`"${code}"`)), []);
});
