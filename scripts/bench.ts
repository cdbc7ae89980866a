// Benchmarks: `npm run bench -- NAME [--json]`; without a name all of them. With --json the last line on stdout is one JSON object.
import { benchAgent } from "../bench/agent.ts";
import { benchBuild } from "../bench/build.ts";
import { type Figure, isKept } from "../bench/figure.ts";
import { benchJudgePool } from "../bench/judge-pool.ts";
import { benchVerdict } from "../bench/verdict.ts";

const BENCHES: Readonly<Record<string, () => readonly Figure[] | Promise<readonly Figure[]>>> = {
  verdict: async () => [...benchVerdict(), ...(await benchJudgePool())],
  agent: benchAgent,
  build: benchBuild,
};

const named = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const unknown = named.find((name) => BENCHES[name] === undefined);
if (unknown !== undefined) {
  process.stderr.write(`there is no benchmark "${unknown}"; there is: ${Object.keys(BENCHES).join(", ")}\n`);
  process.exitCode = 2;
} else {
  const chosen = named.length === 0 ? Object.keys(BENCHES) : named;
  const figures: Figure[] = [];
  for (const name of chosen) figures.push(...((await BENCHES[name]?.()) ?? []));
  for (const f of figures) process.stdout.write(`${line(f)}\n`);
  const ok = figures.every(isKept);
  if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ ok, figures })}\n`);
  if (!ok) process.exitCode = 1;
}

function line(f: Figure): string {
  const goal = f.goal === null ? "" : `, goal ${f.goal}: ${isKept(f) ? "kept" : "MISSED"}`;
  return `${f.name}: ${f.figure} ${f.unit}${goal}; beside ${f.reference} (${f.referenceName}, ${f.kind})`;
}
