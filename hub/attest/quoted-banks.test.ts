import { hash } from "node:crypto";
import t from "tap";
import { type Asked, challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { encodeEventLog } from "../../test/fakes/encode-event-log.ts";
import { logOfBanks, logWith, recordedLog as log } from "../../test/fakes/log-case.ts";
import { answerWith, bootMachine, extraDataOf, type Machine } from "../../test/swtpm/boot-machine.ts";
import { bankDigests, measureUserspace } from "../../test/swtpm/measure-initrd.ts";
import { quoteAny } from "../../test/swtpm/raw-commands.ts";
import { resetSwtpm } from "../../test/swtpm/reset-swtpm.ts";
import { startSwtpm } from "../../test/swtpm/start-swtpm.ts";
import type { BankName } from "../../proto/eventlog/bank.ts";
import { isExtended } from "../../proto/eventlog/replay.ts";
import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { ALG, type HashAlg } from "../../proto/tpm/alg.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { marshalPcrSelections, type PcrSelection } from "../../proto/tpm/pcr-selection.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { AttestCode } from "./codes.ts";
import { judge } from "./judge.ts";
import { ReplayMemory } from "./replay-memory.ts";
import type { UnverifiedEvidence, Verdict } from "./types.ts";

// P20 on a real TPM: which banks a quote covers, and what the logs say of each. Banks that swtpm hasn't: banks.test.ts.

const userspaceLog = userspaceLogOf(WORDS);
const tls = newSpki();
const claims = claimsOf(tls);
const known = knownOf(tls, [releaseOf(firmwareLog)]);
const good = { claims, firmwareLog, userspaceLog };
const codeOf = (verdict: Verdict): string => (verdict.ok ? "ok" : verdict.code);
const machine = await bootMachine(good);
t.teardown(() => machine.stop());

const BANKS = log.banks.map((b) => b.id);
const overBanks = (...banks: readonly HashAlg[]): Uint8Array => marshalPcrSelections(banks.map((hash) => ({ hash, pcrs: QUOTED_PCRS })));
const but = (left: HashAlg): Uint8Array => overBanks(...BANKS.filter((bank) => bank !== left));
/** The full selection, but for these PCRs in one bank. */
const having = (bank: HashAlg, pcrs: PcrSelection["pcrs"]): Uint8Array => marshalPcrSelections(BANKS.map((hash) => ({ hash, pcrs: hash === bank ? pcrs : QUOTED_PCRS })));

type Spoil = (asked: Asked, m: Machine) => Promise<Partial<UnverifiedEvidence>>;
const quoteOver = (selection: Uint8Array): Spoil => (challenge, m) => quoteAny(m.swtpm.transport, m.ak.handle, extraDataOf({ challenge, ...good }), selection);
/** A fresh answer of the same machine with another log, well signed and bound. */
const saying = (changes: Partial<typeof good>): Spoil => (challenge, m) => m.answer({ challenge, ...good, ...changes });

/** The log with one bit of an event's digest in one bank flipped. */
function flippedIn(bank: BankName): Uint8Array {
  const at = log.banks.findIndex((b) => b.name === bank);
  return logWith((events) => events.map((e, i) => (i === 5 ? { ...e, digests: e.digests.map((d, n) => (n === at ? d.with(0, (d[0] ?? 0) ^ 1) : d)) } : e)));
}

const otherWord = utf8(new TextDecoder().decode(userspaceLog).replace(hash("sha384", "kubedos-agent"), hash("sha384", "kubedos-sealed")));

const CASES: readonly (readonly [name: string, code: AttestCode, spoil: Spoil])[] = [
  ["a quote over the SHA-1 bank alone", "SHA1_ONLY", quoteOver(overBanks(ALG.SHA1))],
  ["a quote over SHA-256 alone, where the log announces more", "BANK_UNQUOTED", quoteOver(overBanks(ALG.SHA256))],
  ["a quote over all but SHA-384", "BANK_UNQUOTED", quoteOver(but(ALG.SHA384))],
  ["a quote over all but SHA-1, which proves nothing and is announced", "BANK_UNQUOTED", quoteOver(but(ALG.SHA1))],
  ["a quote over all but SHA-256", "SELECTION_WRONG", quoteOver(but(ALG.SHA256))],
  ["one PCR less in SHA-384 alone", "SELECTION_WRONG", quoteOver(having(ALG.SHA384, QUOTED_PCRS.slice(1)))],
  ["a bank without PCRs, as a quote shows one that is off", "SELECTION_WRONG", quoteOver(having(ALG.SHA512, []))],
  ["a log of SHA-1 alone", "SHA1_ONLY", saying({ firmwareLog: logOfBanks(["sha1"]) })],
  ["a log without SHA-256", "LOG_WITHOUT_SHA256", saying({ firmwareLog: logOfBanks(["sha1", "sha384"]) })],
  ["a log that hides SHA-512", "BANK_UNLOGGED", saying({ firmwareLog: logOfBanks(["sha1", "sha256", "sha384"]) })],
  ["words that aren't told in SHA-384", "BANK_INCONSISTENT", saying({ userspaceLog: userspaceLogOf(WORDS, ["sha1", "sha256", "sha512"]) })],
  ["another word in SHA-384", "USERSPACE_LOG_MALFORMED", saying({ userspaceLog: otherWord })],
  ["one event told otherwise in SHA-384", "LOG_MISMATCH", saying({ firmwareLog: flippedIn("sha384") })],
  ["one event told otherwise in SHA-1", "LOG_MISMATCH", saying({ firmwareLog: flippedIn("sha1") })],
];

for (const [name, code, spoil] of CASES) {
  t.test(`P20 ${name}`, async (t) => {
    const asked = newChallenge();
    const evidence = await machine.answer({ challenge: asked, ...good });
    const challenge = challengeFor(asked, evidence);
    t.equal(codeOf(judge(evidence, challenge, known)), "ok", "unspoiled it passes");
    const verdict = judge({ ...evidence, ...(await spoil(asked, machine)) }, challenge, known);
    t.equal(codeOf(verdict), code, verdict.ok ? "it passed" : verdict.message);
  });
}

t.test("P20 an empty bank that an attacker fills", async (t) => {
  // The firmware measured into no bank but SHA-1; whoever runs afterwards may extend the others as he likes.
  const m = await bootMachine({ firmwareLog: encodeEventLog({ banks: log.banks, events: [] }), userspaceLog: new Uint8Array(0) });
  t.teardown(() => m.stop());
  const fill = async (...banks: readonly HashAlg[]): Promise<void> => {
    for (const event of log.events.filter(isExtended)) await m.client.extendBanks(event.pcr, bankDigests(log, event).filter(({ hash }) => banks.includes(hash)));
  };
  await fill(ALG.SHA1, ALG.SHA384, ALG.SHA512);
  const asked = newChallenge();
  const evidence = await m.answer({ challenge: asked, ...good });
  const challenge = challengeFor(asked, evidence);
  t.equal(codeOf(judge(evidence, challenge, known)), "LOG_MISMATCH", "the SHA-256 bank is empty, whatever the log says");
  const forged = await quoteAny(m.swtpm.transport, m.ak.handle, extraDataOf({ challenge: asked, ...good }), overBanks(ALG.SHA384));
  t.equal(codeOf(judge({ ...evidence, ...forged }, challenge, known)), "SELECTION_WRONG", "and no other stands in for it");
  await fill(ALG.SHA256);
  await measureUserspace(m.client, userspaceLog);
  t.equal(codeOf(judge(await m.answer({ challenge: asked, ...good }), challenge, known)), "ok", "the same machine, its own bank measured");
});

t.test("P20 SHA-256 measured, SHA-384 left to an attacker", async (t) => {
  const [one, two] = [logOfBanks(["sha256"]), logOfBanks(["sha256", "sha384"])];
  const swtpm = await startSwtpm();
  await new TpmClient(swtpm.transport).allocateBanks([ALG.SHA256, ALG.SHA384]);
  await resetSwtpm(swtpm);
  const m = await bootMachine({ firmwareLog: one, userspaceLog: userspaceLogOf(WORDS, ["sha256"]), swtpm });
  t.teardown(() => m.stop());
  t.same((await m.client.getBanks()).map((b) => b.hash), [ALG.SHA256, ALG.SHA384]);
  const asked = newChallenge();
  const both = [ALG.SHA256, ALG.SHA384];
  const verdictOn = async (logs: Pick<typeof good, "firmwareLog" | "userspaceLog">, banks: readonly HashAlg[]): Promise<Verdict> => {
    const evidence = await answerWith(m.client, { ...m, banks }, { challenge: asked, claims, ...logs });
    return judge(evidence, challengeFor(asked, evidence), known);
  };
  const honest = { firmwareLog: one, userspaceLog: userspaceLogOf(WORDS, ["sha256"]) };
  const forged = { firmwareLog: two, userspaceLog: userspaceLogOf(WORDS, ["sha256", "sha384"]) };
  t.equal(codeOf(await verdictOn(honest, [ALG.SHA256])), "ok", "unspoiled: what the firmware measured, and nothing more is claimed");
  const open = await verdictOn(honest, both);
  t.equal(codeOf(open), "BANK_UNLOGGED", "the agent quotes the bank that is active, and the log doesn't know it");
  const { expected, found, what } = (!open.ok && open.findings[0]) || { expected: "", found: "", what: "" };
  t.same({ expected, found, what }, { expected: "a log of sha256, sha384, which the quote covers", found: "a log of sha256", what: "the sha384 bank" });
  const empty = await verdictOn(forged, both);
  t.equal(codeOf(empty), "LOG_MISMATCH", "a log that tells it is of no use while the bank is empty");
  t.match(!empty.ok && empty.findings, [{ field: "firmwareLog.banks", what: "the sha384 bank", expected: "no such bank, since the TPM's is empty" }], "and it is said");
  await m.client.extendBanks(4, [{ hash: ALG.SHA384, digest: new Uint8Array(48).fill(1) }]);
  t.equal(codeOf(await verdictOn(forged, both)), "LOG_MISMATCH", "nor once he put something else into it");
});

t.test("P20 what was judged before with all banks is no help to a quote over fewer", async (t) => {
  const asked = newChallenge();
  const evidence = await machine.answer({ challenge: asked, ...good });
  const cache = new ReplayMemory();
  const challenge = challengeFor(asked, evidence);
  t.equal(codeOf(judge(evidence, challenge, known, cache)), "ok");
  const less = await machine.client.quote({ ak: machine.ak, extraData: extraDataOf({ challenge: asked, ...good }), pcrs: QUOTED_PCRS, banks: [ALG.SHA256] });
  const verdict = judge({ ...evidence, ...less }, challenge, known, cache);
  t.equal(codeOf(verdict), "BANK_UNQUOTED");
  t.same(verdict.ok ? [] : verdict.findings.map((f) => [f.what, f.expected, f.found]), ["sha1", "sha384", "sha512"].map((bank) => [`the ${bank} bank`, "a quote over sha1, sha256, sha384, sha512, which the log announces", "a quote over sha256"]));
  const turned = await machine.client.quote({ ak: machine.ak, extraData: extraDataOf({ challenge: asked, ...good }), pcrs: QUOTED_PCRS, banks: machine.banks.toReversed() });
  t.equal(codeOf(judge({ ...evidence, ...turned }, challenge, known, cache)), "ok", "their order is the quote's own");
});
