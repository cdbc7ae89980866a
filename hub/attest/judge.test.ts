import { randomBytes } from "node:crypto";
import t from "tap";
import { type Asked, challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, ROLE, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { encodeEventLog, encodeHeader } from "../../test/fakes/encode-event-log.ts";
import { bootMachine, extraDataOf, type Machine } from "../../test/swtpm/boot-machine.ts";
import { certify, createOwnerPrimary, getTime, quoteAny, signForeign } from "../../test/swtpm/raw-commands.ts";
import { verifierContext } from "../../proto/evidence/extra-data.ts";
import { EVIDENCE_LIMITS, QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { type LoggedEvent, parseEventLog } from "../../proto/eventlog/event-log.ts";
import { ALG } from "../../proto/tpm/alg.ts";
import type { ObjectAttribute } from "../../proto/tpm/attributes.ts";
import { marshalPcrSelections } from "../../proto/tpm/pcr-selection.ts";
import { marshalPublic, nameOf, parsePublic, type TpmPublic } from "../../proto/tpm/public.ts";
import { AK_TEMPLATES, EK_TEMPLATES } from "../../proto/tpm/templates.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { AttestCode } from "./codes.ts";
import { judge } from "./judge.ts";
import type { Challenge, Known, UnverifiedEvidence, Verdict } from "./types.ts";

const userspaceLog = userspaceLogOf(WORDS);
const tls = newSpki();
const claims = claimsOf(tls);
const known = knownOf(tls, [releaseOf(firmwareLog)]);
const good = { claims, firmwareLog, userspaceLog };
const log = parseEventLog(firmwareLog);
const selected = (...pcrs: number[]): Uint8Array => marshalPcrSelections([{ hash: ALG.SHA256, pcrs }]);

/** A recorded boot's events in a real TPM, with its keys; made once, for all tests that don't need other PCRs. */
let machine: Machine;
t.before(async () => {
  machine = await bootMachine(good);
});
t.teardown(() => machine.stop());

const codeOf = (verdict: Verdict): string => (verdict.ok ? "ok" : verdict.code);

interface Spoiled {
  readonly evidence?: Partial<UnverifiedEvidence>;
  readonly challenge?: Partial<Challenge>;
  readonly known?: Partial<Known>;
}

/** One negative test: the same evidence passes unspoiled, and fails with exactly this code when one thing is different. */
function refuses(name: string, code: AttestCode, spoil: (e: UnverifiedEvidence, c: Challenge, m: Machine) => Spoiled | Promise<Spoiled>): void {
  void t.test(name, async (t) => {
    const asked = newChallenge();
    const evidence = await machine.answer({ challenge: asked, ...good });
    const challenge = challengeFor(asked, evidence);
    t.equal(codeOf(judge(evidence, challenge, known)), "ok", "unspoiled it passes");
    const spoiled = await spoil(evidence, challenge, machine);
    const changed = { ...evidence, ...spoiled.evidence };
    // Whoever exchanges a key has named it in his hello: only a test of the names themselves keeps the first ones.
    const verdict = judge(changed, { ...namedBy(challenge, changed), ...spoiled.challenge }, { ...known, ...spoiled.known });
    t.equal(codeOf(verdict), code, verdict.ok ? "it passed" : verdict.message);
  });
}

/** The challenge for these keys, where they are any. */
function namedBy(challenge: Challenge, evidence: UnverifiedEvidence): Challenge {
  try {
    return challengeFor(challenge, evidence);
  } catch {
    return challenge;
  }
}

/** A fresh answer of the same machine, in which parts are others than its own, well signed and bound. */
function saying(changes: Partial<typeof good>): (e: UnverifiedEvidence, challenge: Challenge, m: Machine) => Promise<Spoiled> {
  return async (_, challenge, m) => ({ evidence: await m.answer({ challenge, ...good, ...changes }) });
}

/** The firmware log with its events changed. */
function logWith(change: (events: readonly LoggedEvent[]) => readonly LoggedEvent[]): Uint8Array {
  return encodeEventLog({ banks: log.banks, events: change(log.events) });
}

function flipped(data: Uint8Array, at: number): Uint8Array {
  return data.with(at, (data.at(at) ?? 0) ^ 1);
}

function withPublic(data: Uint8Array, change: (key: TpmPublic) => TpmPublic): Uint8Array {
  return marshalPublic(change(parsePublic(data)));
}

function toggled(data: Uint8Array, attribute: ObjectAttribute): Uint8Array {
  return withPublic(data, (key) => ({ ...key, attributes: { ...key.attributes, [attribute]: !key.attributes[attribute] } }));
}

t.test("a healthy machine", async (t) => {
  const asked = newChallenge();
  const evidence = await machine.answer({ challenge: asked, ...good });
  const challenge = challengeFor(asked, evidence);
  const verdict = judge(evidence, challenge, known);
  if (!verdict.ok) return t.fail(`${verdict.code}: ${verdict.message}`);
  const { facts } = verdict;
  t.equal(facts.phase, "kubedos-agent");
  t.equal(facts.anchor, "pinned");
  t.equal(facts.image.role, ROLE);
  t.equal(facts.claims.role, ROLE);
  t.match(facts.ekName, /^000b[0-9a-f]{64}$/);
  t.match(facts.akName, /^000b[0-9a-f]{64}$/);
  const read = await machine.client.readPcrs(QUOTED_PCRS);
  for (const [pcr, value] of read) t.equal(facts.pcrs[pcr], Buffer.from(value).toString("hex"), `PCR ${pcr} is what the TPM reads`);
  t.equal(Object.keys(facts.pcrs).length, QUOTED_PCRS.length, "P4 no other PCR is in the facts");
  t.equal(codeOf(judge(evidence, challenge, { ...known, baseline: facts.firmware, peerKey: null })), "ok", "over the mailbox, approved");
  const unpinned = judge(evidence, challenge, { ...known, pinnedRole: null });
  t.equal(unpinned.ok && unpinned.facts.anchor, "none", "nobody stamped it");
});

refuses("P1 bytes that the TPM didn't make, signed by the right key", "MAGIC_WRONG", async (e, _, m) => {
  const quote = flipped(e.quote, 0);
  return { evidence: { quote, signature: await signForeign(m.swtpm.transport, m.ak.handle, quote) } };
});
refuses("P2 a TPM2_GetTime by the right key", "TYPE_WRONG", async (_, challenge, m) => ({
  evidence: await getTime(m.swtpm.transport, m.ak.handle, extraDataOf({ challenge, ...good })),
}));
refuses("P2 a TPM2_Certify by the right key", "TYPE_WRONG", async (_, challenge, m) => ({
  evidence: await certify(m.swtpm.transport, m.ak.handle, m.ak.handle, extraDataOf({ challenge, ...good })),
}));

const quoteOver = (selection: Uint8Array) => async (_: UnverifiedEvidence, challenge: Challenge, m: Machine): Promise<Spoiled> => ({
  evidence: await quoteAny(m.swtpm.transport, m.ak.handle, extraDataOf({ challenge, ...good }), selection),
});
refuses("P3 a quote over other PCRs", "SELECTION_WRONG", quoteOver(selected(15, 16, 22)));
refuses("P3 a quote over one PCR less", "SELECTION_WRONG", quoteOver(selected(...QUOTED_PCRS.slice(0, -1))));
refuses("P3 a quote over one PCR more", "SELECTION_WRONG", quoteOver(selected(...QUOTED_PCRS, 15)));
refuses("P3 a quote over a resettable PCR instead of a static one", "SELECTION_WRONG", quoteOver(selected(...QUOTED_PCRS.slice(0, -1), 16)));
refuses("P3 a quote over nothing", "SELECTION_WRONG", quoteOver(selected()));
refuses("P3 a quote over no bank", "SELECTION_WRONG", quoteOver(marshalPcrSelections([])));
refuses("P4 a quote without PCR 11, whose events the log tells", "SELECTION_WRONG", quoteOver(selected(...QUOTED_PCRS.filter((pcr) => pcr !== 11))));
const other: Asked = newChallenge();
refuses("P5 the same evidence for the next challenge", "BINDING_WRONG", (_, { secret }) => ({ challenge: { nonce: other.nonce, secret } }));
refuses("P5 another challenge's secret", "SECRET_WRONG", () => ({ challenge: { secret: other.secret } }));
refuses("P5 the whole answer to another challenge", "SECRET_WRONG", () => ({ challenge: other }));
refuses("P8 a challenge that was made for another AK", "CHALLENGE_KEYS_WRONG", (e) => ({ challenge: { akName: toHex(nameOf(toggled(e.akPublic, "noDA"))) } }));
refuses("P9 a challenge that was made for another EK", "CHALLENGE_KEYS_WRONG", (_, c) => ({ challenge: { ekName: c.akName } }));
refuses("P9 a challenge that names no key", "CHALLENGE_KEYS_WRONG", () => ({ challenge: { ekName: "", akName: "" } }));
refuses("P5 an answer at the challenge's end", "NONCE_EXPIRED", () => ({ known: { now: 2000 } }));
refuses("P5 an answer before its challenge", "NONCE_EXPIRED", () => ({ known: { now: 999 } }));
refuses("P5 no clock", "NONCE_EXPIRED", () => ({ known: { now: Number.NaN } }));
refuses("P5 an empty nonce", "CHALLENGE_INVALID", () => ({ challenge: { nonce: new Uint8Array(0) } }));
refuses("P5 a truncated nonce", "CHALLENGE_INVALID", (_, c) => ({ challenge: { nonce: c.nonce.subarray(0, 20) } }));
refuses("P5 an empty secret on both sides", "CHALLENGE_INVALID", () => ({ challenge: { secret: new Uint8Array(0) }, evidence: { secret: new Uint8Array(0) } }));
const quoteWith = (extraData: (c: Challenge) => Uint8Array) => async (_: UnverifiedEvidence, c: Challenge, m: Machine): Promise<Spoiled> => ({
  evidence: await m.client.quote({ ak: m.ak, extraData: extraData(c), pcrs: QUOTED_PCRS, banks: m.banks }),
});
refuses("P5 the bare nonce in the quote", "BINDING_WRONG", quoteWith((c) => c.nonce));
refuses("P5 the binding in base64", "BINDING_WRONG", quoteWith((c) => utf8(toBase64(extraDataOf({ challenge: c, ...good })))));
refuses("P5 nothing in the quote", "BINDING_WRONG", quoteWith(() => new Uint8Array(0)));
refuses("P5 the binding and a zero", "BINDING_WRONG", quoteWith((c) => concatBytes(extraDataOf({ challenge: c, ...good }), new Uint8Array(1))));

refuses("P6 claims of somebody else", "BINDING_WRONG", () => ({ evidence: { claims: claimsOf(tls) } }));
refuses("P6 another WireGuard key", "BINDING_WRONG", (e) => ({ evidence: { claims: flipped(e.claims, 30) } }));
refuses("P6 relayed from another verifier", "BINDING_WRONG", () => ({ challenge: { verifier: verifierContext("demo", newSpki()) } }));
refuses("P6 relayed from another cluster's verifier", "BINDING_WRONG", () => ({ challenge: { verifier: verifierContext("other", tls) } }));
refuses("P6 over another machine's connection", "TLS_KEY_WRONG", () => ({ known: { peerKey: newSpki() } }));
refuses("P6 over a connection without a key", "TLS_KEY_WRONG", () => ({ known: { peerKey: new Uint8Array(0) } }));
refuses("P6 an image of another cluster", "CLUSTER_WRONG", saying({ claims: claimsOf(tls, { cluster: "other" }) }));
refuses("P6 claims that aren't canonical", "CLAIMS_MALFORMED", saying({ claims: concatBytes(claims, utf8(" ")) }));
refuses("P6 logs of another boot", "BINDING_WRONG", () => ({ evidence: { userspaceLog: new Uint8Array(0) } }));

for (const attribute of ["fixedTPM", "fixedParent", "sensitiveDataOrigin", "restricted", "sign", "decrypt"] as const) {
  refuses(`P8 an AK with ${attribute} the other way`, "AK_UNFIT", (e) => ({ evidence: { akPublic: toggled(e.akPublic, attribute) } }));
}
refuses("P8 a real key that isn't restricted signs a quote of its own", "AK_UNFIT", async (_, challenge, m) => {
  const { attributes } = AK_TEMPLATES.ecc;
  const free = await m.client.createPrimary({ ...AK_TEMPLATES.ecc, attributes: { ...attributes, restricted: false } });
  const quote = await m.client.quote({ ak: free, extraData: extraDataOf({ challenge, ...good }), pcrs: QUOTED_PCRS, banks: m.banks });
  await m.client.flush(free);
  return { evidence: { akPublic: free.publicArea, ...quote } };
});
refuses("P8 an AK with another attribute than it was made with", "SIGNER_WRONG", (e) => ({ evidence: { akPublic: toggled(e.akPublic, "noDA") } }));
refuses("P8 a real AK in the owner's hierarchy", "SIGNER_WRONG", async (_, challenge, m) => {
  const foreign = await createOwnerPrimary(m.swtpm.transport, AK_TEMPLATES.ecc);
  const quote = await m.client.quote({ ak: foreign.handle, extraData: extraDataOf({ challenge, ...good }), pcrs: QUOTED_PCRS, banks: m.banks });
  await m.client.flush(foreign.handle);
  return { evidence: { akPublic: foreign.publicArea, ...quote } };
});
refuses("P8 an AK whose scheme isn't fixed", "AK_UNFIT", (e) => ({ evidence: { akPublic: withPublic(e.akPublic, (k) => ({ ...k, scheme: null })) } }));
refuses("P8 an AK that signs with SHA-1", "AK_UNFIT", (e) => ({
  evidence: { akPublic: withPublic(e.akPublic, (k) => ({ ...k, scheme: { name: "ecdsa", hash: ALG.SHA1 } })) },
}));
refuses("P8 an AK of RSA-1024", "AK_UNFIT", () => ({
  evidence: { akPublic: marshalPublic({ ...AK_TEMPLATES.rsa, type: "rsa", keyBits: 1024, exponent: 0, modulus: new Uint8Array(128).fill(0xff) }) },
}));
refuses("P8 an AK on P-224", "AK_MALFORMED", (e) => ({ evidence: { akPublic: spliced(e.akPublic, Uint8Array.of(0, 3), Uint8Array.of(0, 2)) } }));
refuses("P8 an AK whose point is on no curve", "AK_MALFORMED", (e) => ({ evidence: { akPublic: flipped(e.akPublic, -1) } }));
refuses("P8 an AK with a byte behind it", "AK_MALFORMED", (e) => ({ evidence: { akPublic: concatBytes(e.akPublic, new Uint8Array(1)) } }));
refuses("P8 another AK than the one that signed", "SIGNATURE_WRONG", async (_, __, m) => {
  const second = await m.client.createPrimary({ ...AK_TEMPLATES.ecc, type: "ecc", curve: "P-256", x: utf8("second"), y: new Uint8Array(0) });
  await m.client.flush(second);
  return { evidence: { akPublic: second.publicArea } };
});

for (const attribute of ["fixedTPM", "fixedParent", "sensitiveDataOrigin", "restricted", "sign", "decrypt"] as const) {
  refuses(`P9 an EK with ${attribute} the other way`, "EK_UNFIT", (e) => ({ evidence: { ekPublic: toggled(e.ekPublic, attribute) } }));
}
refuses("P9 the AK given as the EK", "EK_UNFIT", (e) => ({ evidence: { ekPublic: e.akPublic } }));
refuses("P9 an EK of RSA-1024", "EK_UNFIT", () => ({
  evidence: { ekPublic: marshalPublic({ ...EK_TEMPLATES.rsa, type: "rsa", keyBits: 1024, exponent: 0, modulus: new Uint8Array(128).fill(0xff) }) },
}));
refuses("P9 no EK", "EK_MALFORMED", () => ({ evidence: { ekPublic: new Uint8Array(0) } }));

refuses("P10 every type in PCR 7 rewritten", "SECURE_BOOT_OFF", saying({ firmwareLog: logWith((es) => es.map((e) => (e.pcr === 7 && e.type !== 4 ? { ...e, type: 2 } : e))) }));
refuses("P10 other data under the SecureBoot digest", "SECURE_BOOT_OFF", saying({ firmwareLog: logWith((es) => es.map((e) => (e.type === 0x80000001 ? { ...e, data: e.data.with(-1, 2) } : e))) }));
refuses("P11 a separator under another type", "SEPARATOR_WRONG", saying({ firmwareLog: logWith((es) => es.map((e) => (e.pcr === 6 ? { ...e, type: 5 } : e))) }));
refuses("P11 an event that calls itself a separator", "SEPARATOR_WRONG", saying({ firmwareLog: logWith((es) => es.map((e) => (e.type === 8 ? { ...e, type: 4 } : e))) }));

refuses("P13 no userspace log", "LOG_MISMATCH", saying({ userspaceLog: new Uint8Array(0) }));
refuses("P13 the words in another order", "LOG_MISMATCH", saying({ userspaceLog: userspaceLogOf([...WORDS].reverse()) }));
refuses("P13 a word more than was said", "LOG_MISMATCH", saying({ userspaceLog: userspaceLogOf([...WORDS, "kubedos-admitted"]) }));
refuses("P13 a userspace log of noise", "USERSPACE_LOG_MALFORMED", saying({ userspaceLog: new Uint8Array(randomBytes(64)) }));
refuses("P14 an empty log", "LOG_MALFORMED", saying({ firmwareLog: new Uint8Array(0) }));
refuses("P14 a log without events", "LOG_MISMATCH", saying({ firmwareLog: logWith(() => []) }));
refuses("P14 a log without PCR 4", "LOG_MISMATCH", saying({ firmwareLog: logWith((es) => es.filter((e) => e.pcr !== 4)) }));
refuses("P14 a log that measured nothing", "LOG_MISMATCH", saying({ firmwareLog: logWith((es) => es.map((e) => ({ ...e, type: 3 }))) }));
refuses("P14 one digest of the log changed", "LOG_MISMATCH", saying({
  firmwareLog: logWith((es) => es.map((e, i) => (i === 5 ? { ...e, digests: e.digests.map((d) => flipped(d, 0)) } : e))),
}));
refuses("P15 no release", "NO_RELEASE", () => ({ known: { releases: [] } }));
refuses("P15 another cluster's release", "NO_RELEASE", () => ({ known: { releases: [{ ...releaseOf(firmwareLog), cluster: "other" }] } }));
refuses("P15 a release without rules", "NO_RULE", () => ({ known: { releases: withRules({}) } }));
refuses("P15 a release without a rule for PCR 13", "NO_RULE", () => {
  const { 13: _, ...rest } = releaseOf(firmwareLog).images[0]?.pcrs ?? {};
  return { known: { releases: withRules(rest) } };
});
const notCurrent = (withdrawn: boolean, release = releaseOf(firmwareLog)) => ({ releases: withRules({}), otherReleases: [{ release, withdrawn }] });
refuses("P15 an image of a withdrawn release", "RELEASE_WITHDRAWN", () => ({ known: notCurrent(true) }));
refuses("P15 an image of a withdrawn release, and no other is left", "RELEASE_WITHDRAWN", () => ({ known: { ...notCurrent(true), releases: [] } }));
refuses("P15 an image of a staged or older release", "RELEASE_NOT_CURRENT", () => ({ known: notCurrent(false) }));
refuses("P15 an image of another cluster's withdrawn release", "NO_RULE", () => ({ known: notCurrent(true, { ...releaseOf(firmwareLog), cluster: "other" }) }));
refuses("P15 no image of this role", "ROLE_UNKNOWN", () => ({ known: { releases: withRules({}, "lb") } }));

for (const part of ["ekPublic", "akPublic", "quote", "signature", "secret", "claims", "firmwareLog", "userspaceLog"] as const) {
  const max = { ...EVIDENCE_LIMITS, ekPublic: 1024, akPublic: 1024, claims: 16 * 1024 }[part];
  refuses(`P16 too much ${part}`, "EVIDENCE_TOO_LARGE", () => ({ evidence: { [part]: new Uint8Array(max + 1) } }));
}
refuses("P16 zeros behind the log", "LOG_MALFORMED", saying({ firmwareLog: concatBytes(firmwareLog, new Uint8Array(64)) }));
refuses("P16 a log cut short", "LOG_MALFORMED", saying({ firmwareLog: firmwareLog.subarray(0, -1) }));
refuses("P16 a log cut at an event", "LOG_MISMATCH", saying({ firmwareLog: logWith((es) => es.slice(0, -1)) }));
refuses("P17 a TPM 1.2 log", "LOG_LEGACY", saying({ firmwareLog: firmwareLog.with(32 + 14, 0x30) }));
refuses("P17 a header with SHA-256 twice", "LOG_MALFORMED", saying({ firmwareLog: encodeHeader([{ id: 0xb, size: 32 }, { id: 0xb, size: 32 }]) }));
refuses("P18 a startup locality that wasn't", "LOG_MISMATCH", saying({ firmwareLog: logWith((es) => [locality(3), ...es]) }));
refuses("P18 startup locality 7", "LOG_MALFORMED", saying({ firmwareLog: logWith((es) => [locality(7), ...es]) }));
refuses("P22 one bit of the signature", "SIGNATURE_WRONG", (e) => ({ evidence: { signature: flipped(e.signature, -1) } }));
refuses("P22 one bit of the quote", "SIGNATURE_WRONG", (e) => ({ evidence: { quote: flipped(e.quote, -1) } }));
refuses("P22 a signature that names another hash", "SIGNATURE_WRONG", (e) => ({ evidence: { signature: e.signature.with(3, ALG.SHA384) } }));
refuses("P22 r is zero", "SIGNATURE_WRONG", (e) => ({ evidence: { signature: Uint8Array.from(e.signature).fill(0, 6, 38) } }));
refuses("P22 a byte behind the signature", "QUOTE_MALFORMED", (e) => ({ evidence: { signature: concatBytes(e.signature, new Uint8Array(1)) } }));
refuses("P22 a byte behind the quote", "QUOTE_MALFORMED", (e) => ({ evidence: { quote: concatBytes(e.quote, new Uint8Array(1)) } }));
refuses("P22 an HMAC for a signature", "QUOTE_MALFORMED", (e) => ({ evidence: { signature: e.signature.with(1, 0x05) } }));
refuses("P22 noise for a quote", "QUOTE_MALFORMED", () => ({ evidence: { quote: new Uint8Array(randomBytes(145)) } }));

refuses("the pinned role is another", "ROLE_MISMATCH", () => ({ known: { pinnedRole: "master" } }));
refuses("the claimed role is another", "ROLE_MISMATCH", saying({ claims: claimsOf(tls, { role: "master" }) }));
refuses("P24 the firmware isn't the approved one", "FIRMWARE_CHANGED", () => ({ known: { baseline: { values: { 0: "00".repeat(32), 1: "", 2: "", 3: "" }, events: {} } } }));
refuses("the approval recorded nothing", "FIRMWARE_CHANGED", () => ({ known: { baseline: { values: {}, events: {} } } }));

t.test("P21 each kind of AK, its hash the bank's or not", async (t) => {
  const { ecc, rsa } = AK_TEMPLATES;
  if (ecc.type !== "ecc" || rsa.type !== "rsa") throw new Error("the templates are others");
  const kinds: readonly (readonly [string, Pick<Parameters<typeof bootMachine>[0], "ak" | "ek">])[] = [
    ["ECDSA P-256 with SHA-384", { ak: { ...AK_TEMPLATES.ecc, scheme: { name: "ecdsa", hash: ALG.SHA384 } } }],
    ["ECDSA P-384 with SHA-256", { ak: { ...ecc, curve: "P-384" } }],
    ["ECDSA P-384 with SHA-384", { ak: { ...ecc, curve: "P-384", scheme: { name: "ecdsa", hash: ALG.SHA384 } } }],
    ["RSA-2048 EK, RSASSA with SHA-256", { ek: "rsa", ak: AK_TEMPLATES.rsa }],
    ["RSA-2048, RSASSA with SHA-384", { ak: { ...AK_TEMPLATES.rsa, scheme: { name: "rsassa", hash: ALG.SHA384 } } }],
    ["RSA-2048, RSAPSS with SHA-256", { ak: { ...AK_TEMPLATES.rsa, scheme: { name: "rsapss", hash: ALG.SHA256 } } }],
    ["RSA-2048, RSAPSS with SHA-384", { ak: { ...AK_TEMPLATES.rsa, scheme: { name: "rsapss", hash: ALG.SHA384 } } }],
    ["RSA-3072, RSASSA with SHA-256", { ak: { ...rsa, keyBits: 3072 } }],
  ];
  await Promise.all(
    kinds.map(async ([name, keys]) => {
      const m = await bootMachine({ ...good, ...keys });
      try {
        const asked = newChallenge();
        const evidence = await m.answer({ challenge: asked, ...good });
        const challenge = challengeFor(asked, evidence);
        t.equal(codeOf(judge(evidence, challenge, known)), "ok", `${name} passes`);
        const other = evidence.signature[1] === ALG.RSAPSS ? ALG.RSASSA : ALG.RSAPSS;
        const bent = { ...evidence, signature: evidence.signature.with(1, other) };
        t.not(codeOf(judge(bent, challenge, known)), "ok", `${name}: P22 under another scheme it doesn't`);
        for (const attribute of ["fixedTPM", "fixedParent", "sensitiveDataOrigin", "restricted", "sign", "decrypt"] as const) {
          const cleared = { ...evidence, akPublic: toggled(evidence.akPublic, attribute) };
          t.equal(codeOf(judge(cleared, challengeFor(asked, cleared), known)), "AK_UNFIT", `${name}: P8 with ${attribute} the other way it doesn't`);
        }
      } finally {
        await m.stop();
      }
    }),
  );
});

t.test("P20 a TPM that nobody measured into, with a log that says so", async (t) => {
  const nothing = encodeEventLog({ banks: log.banks, events: [] });
  const m = await bootMachine({ firmwareLog: nothing, userspaceLog: new Uint8Array(0) });
  t.teardown(() => m.stop());
  const challenge = newChallenge();
  const evidence = await m.answer({ challenge, claims, firmwareLog: nothing, userspaceLog: new Uint8Array(0) });
  t.equal(codeOf(judge(evidence, challengeFor(challenge, evidence), known)), "SEPARATOR_WRONG");
});

function locality(value: number): LoggedEvent {
  const data = concatBytes(utf8("StartupLocality\0"), Uint8Array.of(value));
  return { pcr: 0, type: 3, typeName: "EV_NO_ACTION", digests: log.banks.map((b) => new Uint8Array(b.size)), data };
}

function withRules(pcrs: Known["releases"][number]["images"][number]["pcrs"], role = ROLE): Known["releases"] {
  const release = releaseOf(firmwareLog);
  return [{ ...release, images: release.images.map((image) => ({ ...image, role, pcrs })) }];
}

/** `data` with the first `from` that is followed by TPM_ALG_NULL (a curve, then its KDF) replaced. */
function spliced(data: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  const at = Buffer.from(data).indexOf(Buffer.concat([from, Uint8Array.of(0, 0x10)]));
  return at < 0 ? data : concatBytes(data.subarray(0, at), to, data.subarray(at + from.length));
}
