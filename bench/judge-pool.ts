import { availableParallelism } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { JudgePool } from "../hub/judge-pool/judge-pool.ts";
import { eventLogOf } from "./event-log-case.ts";
import { type Figure, round } from "./figure.ts";
import { type VerdictCase, verdictCase } from "./verdict-case.ts";

const EVIDENCES = 200;
const LOG_BYTES = 34 * 1024;

/**
 * What the hub's streams feel while 200 machines bring evidence at once: the longest time that the event loop stands still, with the
 * verdicts in threads beside it and, as the reference, in its own thread. Throws where an evidence doesn't pass.
 */
export async function benchJudgePool(): Promise<readonly Figure[]> {
  const log = eventLogOf(LOG_BYTES);
  const kinds = [verdictCase("rsa", log), verdictCase("ecc", log)] as const;
  // One delivery's releases, as every machine of a hub is judged by.
  const known = { releases: kinds[0].known.releases };
  const cases = Array.from({ length: EVIDENCES }, (_, i) => kinds[i % 2 === 0 ? 0 : 1]).map((c) => ({ ...c, known: { ...c.known, ...known } }));
  const workers = Math.max(1, availableParallelism() - 1);
  const beside = await stall(cases, workers);
  const within = await stall(cases, 0);
  const figure = { unit: "ms", goal: null, referenceName: "with all of them in the streams' own thread", kind: "measured" } as const;
  return [
    { ...figure, name: `${EVIDENCES} evidences at once, ${workers} thread(s) beside: the streams' longest wait`, figure: round(beside.longestMs), reference: round(within.longestMs) },
    { ...figure, name: `${EVIDENCES} evidences at once, ${workers} thread(s) beside: until the last verdict`, figure: round(beside.allMs), reference: round(within.allMs) },
  ];
}

async function stall(cases: readonly VerdictCase[], workers: number): Promise<{ readonly longestMs: number; readonly allMs: number }> {
  const pool = new JudgePool({ log: { info: () => undefined, warn: () => undefined }, workers });
  const judgeOne = async ({ evidence, challenge, known }: VerdictCase): Promise<boolean> => {
    const verdict = await pool.judge(evidence, challenge, known);
    // The hub keeps these words with every verdict that passes, and they are made when they are asked for.
    return verdict.ok && Object.keys(verdict.facts.firmware.values).length > 0;
  };
  const judgeAll = (): Promise<readonly boolean[]> => Promise.all(cases.map(judgeOne));
  // A hub runs for months: threads are up and warm.
  for (let n = 0; n < 3; n++) await judgeAll();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // It counts from its first timer on.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const start = performance.now();
  const passed = await judgeAll();
  const allMs = performance.now() - start;
  // The wait that was just under way is counted when its timer comes.
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  await pool.close();
  if (!passed.every(Boolean)) throw new Error("the benchmark's evidence was refused");
  return { longestMs: delay.max / 1e6, allMs };
}
