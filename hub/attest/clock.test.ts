import fc from "fast-check";
import t from "tap";
import { challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { softMachine } from "../../test/fakes/soft-machine.ts";
import { compareClock, raiseClock } from "./clock.ts";
import { judge } from "./judge.ts";
import type { LastClock } from "./types.ts";

const clocks: fc.Arbitrary<LastClock> = fc.record({
  clock: fc.bigInt({ min: 0n, max: 5n }),
  resetCount: fc.integer({ min: 0, max: 3 }),
  restartCount: fc.integer({ min: 0, max: 2 }),
  bootId: fc.constantFrom("a", "b"),
});
const holds = (what: string, property: fc.IRawProperty<unknown>): void => void t.doesNotThrow(() => fc.assert(property), what);

t.test("clocks of one TPM", async (t) => {
  const last: LastClock = { clock: 5n, resetCount: 7, restartCount: 2, bootId: "a" };
  const order = (change: Partial<LastClock>): string => compareClock({ ...last, ...change }, change.bootId ?? "a", last);
  t.equal(order({ clock: 6n }), "younger");
  t.equal(order({ restartCount: 3, clock: 6n }), "younger", "a resume");
  t.equal(order({ resetCount: 8, clock: 0n, restartCount: 0, bootId: "b" }), "younger", "a reboot, also after a power cut");
  t.equal(order({}), "same");
  t.equal(order({ clock: 4n }), "older");
  t.equal(order({ restartCount: 1, clock: 6n }), "older");
  t.equal(order({ resetCount: 6, clock: 9n, bootId: "b" }), "older", "an older copy");
  t.equal(order({ bootId: "b", clock: 9n }), "forked");
  t.equal(order({ bootId: "b", clock: 1n }), "forked", "in whatever order");
});

t.test("what is kept never falls", async () => {
  holds("not below the last", fc.property(clocks, clocks, (last, seen) => ["same", "younger"].includes(compareClock(raiseClock(last, seen), raiseClock(last, seen).bootId, last))));
  holds("nor below what was seen in the same boot", fc.property(clocks, clocks, (last, seen) => seen.bootId !== raiseClock(last, seen).bootId || compareClock(raiseClock(last, seen), seen.bootId, seen) !== "older"));
  holds("and in any order the same of one boot", fc.property(clocks, clocks, (a, b) => {
    const [x, y] = [raiseClock(a, { ...b, bootId: a.bootId }), raiseClock({ ...b, bootId: a.bootId }, a)];
    return compareClock(x, x.bootId, y) === "same";
  }));
});

t.test("a refusal names the quote's clock as soon as the quote is known to be the TPM's, and not before", async (t) => {
  const tls = newSpki();
  const words = userspaceLogOf(WORDS);
  const asked = newChallenge();
  const evidence = softMachine()({ challenge: asked, claims: claimsOf(tls), firmwareLog, userspaceLog: words, clock: { clock: 77n, resetCount: 3, restartCount: 1, safe: false } });
  const challenge = challengeFor(asked, evidence);
  const known = knownOf(tls, [releaseOf(firmwareLog)]);
  t.ok(judge(evidence, challenge, known).ok, "unspoiled it passes");
  const clock = { clock: 77n, resetCount: 3, restartCount: 1, bootId: "a4852c21-6df1-4148-ba93-00485be83aaf" };
  t.match(judge(evidence, challenge, { ...known, pinnedRole: "master" }), { ok: false, code: "ROLE_MISMATCH", clock });
  t.match(judge(evidence, challenge, { ...known, releases: [] }), { ok: false, code: "NO_RELEASE", clock });
  t.match(judge(evidence, challenge, { ...known, lastClock: { ...clock, resetCount: 4 } }), { ok: false, code: "CLOCK_WENT_BACK", clock });
  const forged = { ...evidence, signature: evidence.signature.with(-1, (evidence.signature.at(-1) ?? 0) ^ 1) };
  t.notOk("clock" in judge(forged, challenge, known), "a forged quote says nothing");
  t.notOk("clock" in judge({ ...evidence, secret: new Uint8Array(32) }, challenge, known), "nor one without the secret");
});
