import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import t from "tap";
import type { AttackRow } from "../attacks/attack-row.ts";
import { ATTACKS } from "../attacks/table.ts";

const root = new URL("../..", import.meta.url).pathname;
/** Two cores without KVM; a warm run takes about seven minutes. */
const LIMIT_MS = 23 * 60_000;

t.setTimeout(LIMIT_MS + 60_000);

interface Result {
  readonly ok: boolean;
  readonly seconds: Readonly<Record<string, number>>;
  readonly rows: readonly AttackRow[];
}

/** The rows that differ most in mechanism, as anybody runs them; their progress becomes this test's comments. */
async function runAttacks(): Promise<{ readonly code: number | null; readonly result: Result }> {
  const child = spawn(process.execPath, ["scripts/attacks.ts", "--ci", "--json"], { cwd: root, stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT_MS });
  let last = "";
  createInterface({ input: child.stdout }).on("line", (line) => (last = line));
  createInterface({ input: child.stderr }).on("line", (line) => t.comment(line));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, result: JSON.parse(last) as Result };
}

t.test("no known attack passes, and every refusal explains itself: the rows of CI in real guests", async (t) => {
  const expected = ATTACKS.filter((attack) => attack.ci);
  t.ok(expected.length >= 10, `${expected.length} rows`);
  const { code, result } = await runAttacks();
  t.same(result.rows.map((row) => row.name), expected.map((attack) => attack.name), "every row ran");
  for (const { name, guests } of expected) {
    const row = result.rows.find((r) => r.name === name);
    if (row === undefined) continue;
    const wanted = readFileSync(new URL(`../golden/attacks/${name}.txt`, import.meta.url), "utf8").split("\n")[0];
    t.equal(`${row.end} ${row.code}`, wanted, `${name}: ${wanted}`);
    for (const { what, held, detail } of row.proofs) t.ok(held, `${name}: ${what} (${detail})`);
    t.ok(row.proofs.length >= 3, `${name} is proved`);
    if (guests !== 0) t.match([row.image, row.serialSha256], [/^[0-9a-f]{64}$/, /^[0-9a-f]{64}$/], `${name} names what was booted and its console`);
  }
  t.equal(code, 0);
  t.equal(result.ok, true);
});
