import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import t from "tap";
import type { DemoResult } from "../../demo/report.ts";

const root = new URL("../..", import.meta.url).pathname;
/** Two cores without KVM; a warm run takes about four minutes. */
const LIMIT_MS = 20 * 60_000;

t.setTimeout(LIMIT_MS + 60_000);

/** The demo's own line, as its user runs it; its progress becomes this test's comments. */
async function runDemo(): Promise<{ readonly code: number | null; readonly result: DemoResult }> {
  const child = spawn(process.execPath, ["scripts/demo.ts", "--json"], { cwd: root, stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT_MS });
  let last = "";
  const output = createInterface({ input: child.stdout });
  output.on("line", (line) => (last = line));
  createInterface({ input: child.stderr }).on("line", (line) => t.comment(line));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, result: JSON.parse(last) as DemoResult };
}

t.test("a machine boots a manufactured image, proves itself, is approved, and its planes come up", async (t) => {
  const { code, result } = await runDemo();
  for (const { what, held, detail } of result.proofs) t.ok(held, `${what} (${detail})`);
  t.equal(code, 0);
  t.equal(result.ok, true);

  const node = (name: string) => result.nodes.find((n) => n.name === name);
  const up = { wg1: true, wg2: true, wg3: true };
  t.match(node("master"), { role: "master", state: "connected", planes: up });
  t.match(node("worker-1"), { role: "worker", state: "connected", planes: up });
  t.match(node("worker-2"), { role: "worker", planes: { wg1: false, wg2: false, wg3: false } }, "revoked");
  t.not(node("worker-2")?.state, "connected");

  t.same(result.rejected.map((r) => r.pcr).sort(), [11, 4], "the altered image differs in PCR 4 and 11 and nowhere else");
  for (const { expected, found } of result.rejected) t.not(expected, found);
  t.equal(result.unanchored.length, 1, "the lookalike");
  for (const phase of ["build", "boot-master", "boot-workers", "approve-to-planes"]) t.ok((result.seconds[phase] ?? 0) > 0, `${phase} was timed`);
});
