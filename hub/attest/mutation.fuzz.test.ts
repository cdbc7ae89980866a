import { randomInt } from "node:crypto";
import t from "tap";
import { challengeFor, firmwareLog, knownOf, newChallenge, releaseOf } from "../../test/fakes/evidence-case.ts";
import { VerdictBench } from "../../test/swtpm/verdict-bench.ts";
import { judge } from "./judge.ts";
import { ReplayMemory } from "./replay-memory.ts";
import type { UnverifiedEvidence } from "./types.ts";

t.setTimeout(120_000);

/** All masks at all offsets of everything; else what the time allows, other offsets at each run. */
const long = process.env["KUBEDOS_FUZZ"] === "long";
const BUDGET_MS = long ? Infinity : 6_000;
const MASKS = long ? Array.from({ length: 255 }, (_, i) => i + 1) : [0x01, 0x80, 0xff];

const bench = new VerdictBench([]);
const asked = newChallenge();
const evidence = await bench.answer(asked);
await bench.stop();
const challenge = challengeFor(asked, evidence);
const known = knownOf(bench.tls, [releaseOf(firmwareLog)]);
const cache = new ReplayMemory();
type Part = keyof UnverifiedEvidence;
/** The small ones first: all their offsets fit into any budget. */
const PARTS = (Object.keys(evidence) as Part[]).sort((a, b) => evidence[a].length - evidence[b].length);

t.test("P16 one byte changed anywhere is never accepted", async (t) => {
  t.equal(judge(evidence, challenge, known, cache).ok, true, "unspoiled it passes");
  const until = performance.now() + BUDGET_MS;
  let tried = 0;
  for (const part of PARTS) {
    const data = Uint8Array.from(evidence[part]);
    const changed = { ...evidence, [part]: data };
    const start = randomInt(data.length);
    for (let i = 0; i < data.length && performance.now() < until; i++) {
      const at = (start + i) % data.length;
      const before = data[at] ?? 0;
      for (const mask of MASKS) {
        data[at] = before ^ mask;
        const verdict = judge(changed, challenge, known, cache);
        tried++;
        if (verdict.ok || verdict.code === "JUDGE_FAILED") t.fail(`${part}, offset ${at}, mask ${mask}: ${verdict.ok ? "accepted" : verdict.message}`);
      }
      data[at] = before;
    }
  }
  t.equal(judge(evidence, challenge, known, cache).ok, true, "and still passes");
  t.pass(`${tried} changes refused`);
});
