import { Worker } from "node:worker_threads";
import t from "tap";
import { challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { softMachine } from "../../test/fakes/soft-machine.ts";
import { judge } from "../attest/judge.ts";
import type { Challenge, Known, UnverifiedEvidence, Verdict } from "../attest/types.ts";
import { JudgePool, type PoolOptions } from "./judge-pool.ts";
import { startWorker } from "./start-worker.ts";

t.setTimeout(120_000);

const tls = newSpki();
const release = releaseOf(firmwareLog);
const known = knownOf(tls, [release]);

interface Case {
  readonly evidence: UnverifiedEvidence;
  readonly challenge: Challenge;
}

/** Good evidence of a machine of its own. */
function newCase(answer = softMachine()): Case {
  const asked = newChallenge();
  const evidence = answer({ challenge: asked, claims: claimsOf(tls), firmwareLog, userspaceLog: userspaceLogOf(WORDS) });
  return { evidence, challenge: challengeFor(asked, evidence) };
}

const codeOf = (verdict: Verdict): string => (verdict.ok ? "ok" : verdict.code);

interface Pool {
  readonly judge: (c: Case, changed?: Partial<Known>) => Promise<Verdict>;
  readonly pool: JudgePool;
  readonly lines: readonly string[];
}

function newPool(t: { teardown(end: () => Promise<void>): void }, options: Omit<PoolOptions, "log">): Pool {
  const lines: string[] = [];
  const line = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => void lines.push(`${event}: ${String(fields["reason"])}`);
  const pool = new JudgePool({ log: { info: line, warn: line }, ...options });
  t.teardown(() => pool.close());
  return { pool, lines, judge: ({ evidence, challenge }, changed) => pool.judge(evidence, challenge, { ...known, ...changed }) };
}

t.test("a thread's verdict is the function's own", async (t) => {
  const { judge: ask, lines } = newPool(t, { workers: 2 });
  const good = newCase();
  const direct = judge(good.evidence, good.challenge, known);
  if (!direct.ok) return t.fail(direct.message);
  const passed = await ask(good);
  t.same(passed, { ok: true, facts: { ...direct.facts, firmware: direct.facts.firmware } });
  t.equal(passed.ok && passed.facts.release, release, "and names the caller's own release");
  t.equal(passed.ok && passed.facts.image, release.images[0]);
  t.equal(good.evidence.firmwareLog.length, firmwareLog.length, "the evidence is still the caller's");
  const spoiled = { ...good, evidence: { ...good.evidence, quote: good.evidence.quote.with(-1, (good.evidence.quote.at(-1) ?? 0) ^ 1) } };
  t.same(await ask(spoiled), judge(spoiled.evidence, spoiled.challenge, known));
  const baseline = { values: { 0: "00".repeat(32) }, events: {} };
  t.same(await ask(good, { baseline }), judge(good.evidence, good.challenge, { ...known, baseline }), "findings come along");
  t.same(lines, []);
});

t.test("releases come and go between evidences", async (t) => {
  const { judge: ask } = newPool(t, { workers: 1 });
  const good = newCase();
  const newer = releaseOf(firmwareLog, "worker", 7);
  t.equal(codeOf(await ask(good, { releases: [] })), "NO_RELEASE");
  const first = await ask(good, { releases: [release, release] });
  t.equal(first.ok && first.facts.release, release, "twice the same");
  const second = await ask(good, { releases: [release, newer] });
  t.equal(second.ok && second.facts.release, newer);
  t.equal(codeOf(await ask(good, { releases: [] })), "NO_RELEASE", "what is no longer current isn't remembered");
  t.equal(codeOf(await ask(good, { releases: [], otherReleases: [{ release, withdrawn: true }] })), "RELEASE_WITHDRAWN");
  t.equal(codeOf(await ask(good, { releases: [release], otherReleases: [{ release, withdrawn: true }] })), "ok");
  const third = await Promise.all([ask(good, { releases: [newer] }), ask(good, { releases: [release] }), ask(good, { releases: [] })]);
  t.same(third.map((v) => (v.ok ? v.facts.release.generation : v.code)), [7, 1, "NO_RELEASE"], "each with its own");
});

t.test("many machines at once, each gets its own verdict, and the caller's thread goes on", async (t) => {
  const { judge: ask } = newPool(t, { workers: 2 });
  const machine = softMachine();
  const cases = Array.from({ length: 60 }, (_, i) => newCase(i % 2 === 0 ? machine : softMachine()));
  let turns = 0;
  let done = 0;
  const turn = (): void => {
    turns++;
    if (done < cases.length) setImmediate(turn);
  };
  setImmediate(turn);
  const order: number[] = [];
  const verdicts = await Promise.all(
    cases.map(async (c, i) => {
      const verdict = await ask(i % 3 === 0 ? { ...c, challenge: newCase().challenge } : c);
      done++;
      if (i % 2 === 0) order.push(i);
      return codeOf(verdict);
    }),
  );
  t.same(verdicts, cases.map((_, i) => (i % 3 === 0 ? "CHALLENGE_KEYS_WRONG" : "ok")));
  t.ok(turns > 1, `the event loop turned ${turns} times meanwhile`);
  const ofOneEk = order.filter((i) => i % 3 !== 0);
  t.same(ofOneEk, [...ofOneEk].sort((a, b) => a - b), "one EK's evidences are judged in their order");
});

/** A thread like ours that does something else instead of its nth answer. */
function breakingAt(n: number, what: string): () => Worker {
  let started = 0;
  const real = JSON.stringify(new URL("./judge-worker.ts", import.meta.url).href);
  const code = `const { parentPort } = require("node:worker_threads");
    const post = parentPort.postMessage.bind(parentPort);
    let seen = 0;
    parentPort.postMessage = (m) => { if (m.t === "verdict" && ++seen === ${n}) { ${what} } post(m); };
    import(${real});`;
  return () => (started++ === 0 ? new Worker(code, { eval: true }) : startWorker());
}

t.test("a thread that breaks refuses the evidence that broke it, and nobody else's", async (t) => {
  for (const what of ["throw new Error('broken')", "process.exit(3)", "for (;;);"]) {
    const { judge: ask, lines } = newPool(t, { workers: 1, start: breakingAt(2, what), answerMs: 2000 });
    const cases = [newCase(), newCase(), newCase(), newCase()];
    const verdicts = await Promise.all(cases.map((c) => ask(c)));
    t.same(verdicts.map(codeOf), ["ok", "JUDGE_FAILED", "ok", "ok"], what);
    t.equal(codeOf(await ask(newCase())), "ok", "and goes on");
    t.same(lines, [], "that is an answer, not a fallback");
  }
});

t.test("where no thread comes up it judges here, and says so once", async (t) => {
  const starts: readonly (readonly [string, () => Worker])[] = [
    ["it can't be started", () => { throw new Error("no threads"); }],
    ["its code isn't there", () => new Worker(new URL("./no-such-worker.ts", import.meta.url))],
    ["it ends at once", () => new Worker("", { eval: true })],
    ["it says nothing", () => new Worker("setInterval(() => {}, 1000)", { eval: true })],
  ];
  for (const [name, start] of starts) {
    const { judge: ask, lines } = newPool(t, { workers: 2, start, startMs: 1000 });
    const verdicts = await Promise.all([newCase(), newCase(), newCase()].map((c) => ask(c)));
    t.same(verdicts.map(codeOf), ["ok", "ok", "ok"], name);
    t.same(lines, ["verdicts share a thread with the streams: no thread came up"]);
    t.equal(codeOf(await ask({ ...newCase(), challenge: newCase().challenge })), "CHALLENGE_KEYS_WRONG", "with all checks");
  }
});

t.test("on one core there are no threads", async (t) => {
  const { judge: ask, lines } = newPool(t, { workers: 0, start: () => { throw new Error("not asked for"); } });
  t.equal(codeOf(await ask(newCase())), "ok");
  t.equal(codeOf(await ask(newCase())), "ok");
  t.same(lines, ["verdicts share a thread with the streams: the machine has one core"]);
});

t.test("a hub that stops leaves nobody waiting", async (t) => {
  const { judge: ask, pool } = newPool(t, { workers: 1 });
  const waiting = [ask(newCase()), ask(newCase())];
  await pool.close();
  const codes = (await Promise.all(waiting)).map(codeOf);
  t.ok(codes.every((code) => code === "JUDGE_FAILED" || code === "ok"), codes.join());
});
