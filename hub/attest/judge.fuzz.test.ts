import fc from "fast-check";
import t from "tap";
import { challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { pcrsAfter, softMachine } from "../../test/fakes/soft-machine.ts";
import { judge } from "./judge.ts";
import type { UnverifiedEvidence, Verdict } from "./types.ts";

t.setTimeout(120_000);

const answer = softMachine();
const tls = newSpki();
const challenge = newChallenge();
const known = knownOf(tls, [releaseOf(firmwareLog)]);
const good = { challenge, claims: claimsOf(tls), firmwareLog, userspaceLog: userspaceLogOf(WORDS), pcrs: pcrsAfter(firmwareLog, userspaceLogOf(WORDS)) };
const evidence = answer(good);
const PARTS = ["ekPublic", "akPublic", "secret", "quote", "signature", "claims", "firmwareLog", "userspaceLog"] as const;
type Part = (typeof PARTS)[number];

/** Neither a pass nor a check that broke. */
function isRefusal(verdict: Verdict): boolean {
  return !verdict.ok && verdict.code !== "JUDGE_FAILED";
}

/** Logs and claims are signed anew, so that the change gets as far as their own checks. */
function judgeWith(part: Part, data: Uint8Array): Verdict {
  const isSigned = part === "claims" || part === "firmwareLog" || part === "userspaceLog";
  const changed: UnverifiedEvidence = isSigned ? answer({ ...good, [part]: data }) : { ...evidence, [part]: data };
  return judge(changed, challengeFor(challenge, evidence), known);
}

const budget = { numRuns: 1_000_000, interruptAfterTimeLimit: 700 };

t.test("the unspoiled evidence passes", async (t) => {
  t.equal(judge(evidence, challengeFor(challenge, evidence), known).ok, true);
});

t.test("every small part cut at every offset", async (t) => {
  for (const part of PARTS.filter((p) => p !== "firmwareLog")) {
    for (let cut = 0; cut < evidence[part].length; cut++) {
      if (!isRefusal(judgeWith(part, evidence[part].subarray(0, cut)))) t.fail(`${part} cut at ${cut}`);
    }
  }
  t.pass("all refused");
});

t.test("the firmware's log cut, well signed", async (t) => {
  fc.assert(fc.property(fc.nat(firmwareLog.length - 1), (cut) => isRefusal(judgeWith("firmwareLog", firmwareLog.subarray(0, cut)))), budget);
  t.pass("all refused");
});

t.test("bytes changed anywhere", async (t) => {
  const change = fc.tuple(fc.constantFrom(...PARTS), fc.nat(), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(change, ([part, n, mask]) => {
      const data = Uint8Array.from(evidence[part]);
      const at = n % data.length;
      data[at] = (data[at] ?? 0) ^ mask;
      const verdict = judgeWith(part, data);
      // Event data and a record's label aren't measured: there a change is harmless, and is bound to the quote.
      return isRefusal(verdict) || (verdict.ok && ["claims", "firmwareLog", "userspaceLog", "ekPublic"].includes(part));
    }),
    budget,
  );
  t.pass("refused, or nothing that was measured");
});

t.test("parts exchanged and noise", async (t) => {
  const part = fc.constantFrom(...PARTS);
  fc.assert(fc.property(part, fc.uint8Array({ maxLength: 2048 }), (p, data) => isRefusal(judgeWith(p, data))), { ...budget, interruptAfterTimeLimit: 300 });
  for (const from of PARTS) for (const to of PARTS) if (from !== to && !isRefusal(judgeWith(to, evidence[from]))) t.fail(`${from} for ${to}`);
  t.pass("all refused");
});
