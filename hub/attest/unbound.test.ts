import { randomBytes } from "node:crypto";
import t from "tap";
import { BOOT_ID, challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { softMachine } from "../../test/fakes/soft-machine.ts";
import { type EvidenceBinding, evidenceExtraData } from "../../proto/evidence/extra-data.ts";
import { encodeUserspaceRecord } from "../../proto/eventlog/userspace.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { judge } from "./judge.ts";
import { findUnbound } from "./unbound.ts";

const bytes = (): Uint8Array => new Uint8Array(randomBytes(32));
const asked: EvidenceBinding = { nonce: bytes(), verifier: bytes(), claims: bytes(), firmwareLog: bytes(), userspaceLog: userspaceLogOf(WORDS) };
const before: EvidenceBinding = { nonce: bytes(), verifier: asked.verifier, claims: bytes(), firmwareLog: asked.firmwareLog, userspaceLog: userspaceLogOf(WORDS.slice(0, 2)) };
const fieldsFor = (really: Partial<EvidenceBinding>, kept: EvidenceBinding | null = before): readonly string[] =>
  findUnbound(evidenceExtraData({ ...asked, ...really }), asked, kept).map((d) => (d.at === "field" ? d.field : d.at));

t.test("which part a quote was not made for, as far as what is known tells", async (t) => {
  t.same(fieldsFor({ nonce: before.nonce }), ["challenge.nonce"], "an old quote with everything else as it is now");
  t.same(fieldsFor({ claims: before.claims }), ["claims"]);
  t.same(fieldsFor({ nonce: before.nonce, claims: before.claims }), ["challenge.nonce", "claims"], "each that is of before, and no other");
  t.same(fieldsFor(before), ["challenge.nonce", "claims", "userspaceLog"], "all of before that differs");
  t.same(fieldsFor({ userspaceLog: before.userspaceLog }, null), ["userspaceLog"], "the log before its last record");
  t.same(fieldsFor({ userspaceLog: new Uint8Array(0) }, null), ["userspaceLog"], "or before any");
  t.same(fieldsFor({ claims: bytes() }), ["quote.extraData"], "what nobody knows can't be told");
  t.same(fieldsFor({ nonce: before.nonce }, null), ["quote.extraData"]);
});

t.test("the judge says it, and only says it", async (t) => {
  const tls = newSpki();
  const [claims, challenge] = [claimsOf(tls), newChallenge()];
  const machine = softMachine();
  const evidence = machine({ challenge, claims, firmwareLog, userspaceLog: userspaceLogOf(WORDS) });
  const known = knownOf(tls, [releaseOf(firmwareLog)]);
  const now = challengeFor(challenge, evidence);
  t.equal(judge(evidence, now, known).ok, true, "unspoiled it passes");
  const grown = concatBytes(evidence.userspaceLog, encodeUserspaceRecord({ pcr: 11, word: "kubedos-admitted", bootId: BOOT_ID }));
  t.match(judge({ ...evidence, userspaceLog: grown }, now, known), { ok: false, code: "BINDING_WRONG", findings: [{ field: "userspaceLog", expected: `the log's first ${evidence.userspaceLog.length} bytes` }] });
  const replayed = { ...now, nonce: bytes() };
  const kept = { nonce: challenge.nonce, verifier: challenge.verifier, claims, firmwareLog, userspaceLog: evidence.userspaceLog };
  t.match(judge(evidence, replayed, { ...known, before: kept }), { ok: false, code: "BINDING_WRONG", findings: [{ field: "challenge.nonce", found: "that of this machine's evidence before" }] });
  t.match(judge(evidence, replayed, known), { ok: false, code: "BINDING_WRONG", findings: [{ field: "quote.extraData" }] });
});
