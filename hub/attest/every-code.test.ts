import t from "tap";
import { type Asked, BOOT_ID, challengeFor, claimsOf, CLUSTER, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, ROLE, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { ekCertificate, makeCa } from "../../test/fakes/ek-pki.ts";
import { type Change, logOfBanks, logWith, measuring, newEvent, recordedLog, separatorRecords, utf16 } from "../../test/fakes/log-case.ts";
import { pcrsAfter, type SoftAnswer, softMachine } from "../../test/fakes/soft-machine.ts";
import { makeEk } from "../../test/swtpm/test-keys.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { ALG } from "../../proto/tpm/alg.ts";
import { marshalPublic, parsePublic, type TpmPublic } from "../../proto/tpm/public.ts";
import { concatBytes, sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { ATTEST_CODES, type AttestCode } from "./codes.ts";
import { type EkTrust, verifyEkCertificate } from "./ek-certificate.ts";
import { type EvidenceField, type Finding, placeOf } from "./finding.ts";
import { judge } from "./judge.ts";
import { judgeFailed } from "./judge-failed.ts";
import type { Challenge, Known, UnverifiedEvidence, Verdict } from "./types.ts";

// Every code of the verdict is provoked here once, and its explanation read: an event of a PCR, or a field with what was expected and what was
// found in it. That each check refuses what it must, and nothing else, is proved with a real TPM elsewhere (docs/verdict.md).

const tls = newSpki();
const claims = claimsOf(tls);
const release = releaseOf(firmwareLog);
const known = knownOf(tls, [release]);
const userspaceLog = userspaceLogOf(WORDS);
const answer = softMachine();

interface Case {
  /** What the machine says and measures, where it isn't the recorded boot. */
  readonly said?: () => Partial<SoftAnswer>;
  /** What is changed in the signed answer. */
  readonly evidence?: (e: UnverifiedEvidence) => Partial<UnverifiedEvidence>;
  readonly challenge?: Partial<Challenge>;
  readonly known?: Partial<Known>;
}

/** Refusals that a boot's evidence brings about. */
function judged({ said, evidence, challenge, known: facts }: Case): Verdict {
  const asked = newChallenge();
  const good = answer({ challenge: asked, claims, firmwareLog, userspaceLog, ...said?.() });
  const changed = { ...good, ...evidence?.(good) };
  const verdict = judge(changed, { ...named(asked, changed, good), ...challenge }, { ...known, ...facts });
  const shown = JSON.stringify(verdict.ok ? {} : [verdict.message, verdict.findings]);
  for (const secret of [asked.secret, changed.secret]) {
    if (secret.length > 0 && (shown.includes(toHex(secret)) || shown.includes(toBase64(secret)))) throw new Error(`a secret is shown: ${shown}`);
  }
  return verdict;
}

/** Whoever exchanges a key has named it in his hello, if it is a key at all. */
function named(asked: Asked, changed: UnverifiedEvidence, good: UnverifiedEvidence): Challenge {
  try {
    return challengeFor(asked, changed);
  } catch {
    return challengeFor(asked, good);
  }
}

const log = (change: Change): Case => ({ said: () => ({ firmwareLog: logWith(change) }) });
const records = (log: Uint8Array): Case => ({ said: () => ({ userspaceLog: log }) });
const publicKey = (data: Uint8Array, change: (key: TpmPublic) => TpmPublic): Uint8Array => marshalPublic(change(parsePublic(data)));
const imagesWith = (change: Partial<(typeof release)["images"][number]>): Partial<Known> => ({ releases: [{ ...release, images: release.images.map((i) => ({ ...i, ...change })) }] });
const isType = (pcr: number, type: number) => (e: { readonly pcr: number; readonly type: number }) => e.pcr === pcr && e.type === type;
const secureBoot = recordedLog.events.findIndex(isType(7, EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG));
const withSecureBoot = (value: number): Change => (es) => es.map((e, i) => (i === secureBoot ? measuring({ ...e, data: e.data.with(-1, value) }, e.data.with(-1, value)) : e));
const otherOsrel: Change = (es) => es.map((e, i) => (e.pcr === 11 && es.slice(0, i).filter((x) => x.pcr === 11).length === 3 ? measuring(e, utf8("altered")) : e));
/** What the recorded boot really measured, whatever logs are shown of it. */
const pcrs = pcrsAfter(firmwareLog, userspaceLog);
const clock = { clock: 5n, resetCount: 7, restartCount: 1, bootId: BOOT_ID };
/** A quote with other bytes in it: its signature says so, and what is read before it is looked at says more. */
const unsigned = (at: number, ...bytes: readonly number[]): Case => ({ evidence: (e) => ({ quote: Uint8Array.from(e.quote, (b, i) => bytes[i - at] ?? b) }) });

const ek = makeEk("P-256");
const root = makeCa("root");
const certificate = ekCertificate(ek.key, root);
const trust: EkTrust = { roots: [root.der], intermediates: [], quirks: [], revoked: [] };
const now = new Date("2026-06-01");
/** Refusals of an EK's certificate. */
function certified(shown: { readonly certificate?: Uint8Array; readonly ekPublic?: Uint8Array }, changed: Partial<EkTrust> = {}): Verdict {
  const verdict = verifyEkCertificate({ ekPublic: ek.publicArea, certificate, intermediates: [], ...shown }, { ...trust, ...changed }, now);
  return verdict.ok ? judged({}) : verdict;
}

type Told = readonly [place: EvidenceField | `PCR ${string}`, expected: RegExp | string, found: RegExp | string];

/** Complete by its type: a new code without a line here doesn't compile. */
const CASES: Readonly<Record<AttestCode, readonly [() => Verdict, ...Told]>> = {
  EVIDENCE_TOO_LARGE: [() => judged({ evidence: () => ({ quote: new Uint8Array(1025) }) }), "quote", "at most 1024 bytes", "1025 bytes"],
  EK_MALFORMED: [() => judged({ evidence: () => ({ ekPublic: new Uint8Array(3) }) }), "ek.public", /TPMT_PUBLIC/, /./],
  EK_UNFIT: [() => judged({ evidence: (e) => ({ ekPublic: e.akPublic }) }), "ek.attributes", "decrypt set, sign clear", "decrypt clear, sign set"],
  AK_MALFORMED: [() => judged({ evidence: () => ({ akPublic: new Uint8Array(3) }) }), "ak.public", /TPMT_PUBLIC/, /./],
  AK_UNFIT: [() => judged({ evidence: (e) => ({ akPublic: publicKey(e.akPublic, (k) => ({ ...k, attributes: { ...k.attributes, fixedTPM: false } })) }) }), "ak.attributes", "fixedTPM set", "fixedTPM clear"],
  EK_CERTIFICATE_MALFORMED: [() => certified({ certificate: certificate.subarray(0, -1) }), "ek.certificate", /exactly one certificate/, /./],
  EK_CERTIFICATE_UNFIT: [() => certified({ certificate: root.der }), "ek.certificate", /for this EK/, "it is that of a certificate authority"],
  EK_CERTIFICATE_KEY_WRONG: [() => certified({ ekPublic: makeEk("P-256").publicArea }), "ek.certificate", /SHA-256 [0-9a-f]{64}$/, /SHA-256 [0-9a-f]{64}$/],
  EK_CERTIFICATE_EXPIRED: [() => certified({ certificate: ekCertificate(ek.key, root, { notAfter: new Date("2025-01-01") }) }), "ek.certificate", "valid on 2026-06-01", /to Jan {1,2}1 00:00:00 2025 GMT$/],
  EK_CERTIFICATE_REVOKED: [() => certified({}, { revoked: [toHex(sha256(certificate))] }), "ek.certificate", /withdrawn/, toHex(sha256(certificate))],
  EK_CERTIFICATE_UNTRUSTED: [() => certified({}, { roots: [makeCa("another").der] }), "ek.certificate", "a path to one of 1 configured roots", "issued by CN=root"],
  CHALLENGE_INVALID: [() => judged({ challenge: { nonce: new Uint8Array(8) } }), "challenge", /nonce of 32 bytes/, "8, 32 and 32 bytes"],
  CHALLENGE_KEYS_WRONG: [() => judged({ challenge: { akName: "000b00" } }), "challenge.keys", "000b00", /^000b[0-9a-f]{64}$/],
  SECRET_WRONG: [() => judged({ evidence: () => ({ secret: new Uint8Array(20) }) }), "secret", "the secret of this challenge", "another value, of 20 bytes"],
  NONCE_EXPIRED: [() => judged({ known: { now: 9000 } }), "challenge.time", "less than 1000 ms", "8000 ms"],
  QUOTE_MALFORMED: [() => judged({ evidence: (e) => ({ signature: concatBytes(e.signature, new Uint8Array(1)) }) }), "signature", /TPMT_SIGNATURE/, /./],
  SIGNATURE_WRONG: [() => judged(unsigned(60, 0xff)), "signature", /^ecdsa with sha256, by the key 000b/, /^ecdsa with sha256, which isn't/],
  MAGIC_WRONG: [() => judged({ said: () => ({ header: { magic: 0 } }) }), "quote.magic", "0xff544347 (TPM_GENERATED_VALUE)", "0x0"],
  TYPE_WRONG: [() => judged({ said: () => ({ header: { type: 0x8017 } }) }), "quote.type", "0x8018 (TPM_ST_ATTEST_QUOTE)", "0x8017"],
  SIGNER_WRONG: [() => judged({ said: () => ({ header: { qualifiedSigner: Uint8Array.of(0, 0x0b, 1) } }) }), "quote.signer", /^000b[0-9a-f]{64}$/, "000b01"],
  SHA1_ONLY: [() => judged({ said: () => ({ firmwareLog: logOfBanks(["sha1"]), pcrs }) }), "firmwareLog.banks", "sha256 among them", "sha1"],
  SELECTION_WRONG: [() => judged({ said: () => ({ header: { selection: [0, 4] } }) }), "quote.selection", /^sha256: 0 1 2 3 4 5 6 7 9 11 12 13 14, and the same/, "sha1: 0 4; sha256: 0 4; sha384: 0 4; sha512: 0 4"],
  BINDING_WRONG: [() => judged({ evidence: () => ({ claims: claimsOf(tls) }) }), "quote.extraData", /^[0-9a-f]{64} \(SHA-256 of claims /, /^[0-9a-f]{64}$/],
  CLAIMS_MALFORMED: [() => judged({ said: () => ({ claims: utf8("{}") }) }), "claims", /canonical JSON/, /./],
  CLUSTER_WRONG: [() => judged({ known: { cluster: "other" } }), "claims.cluster", "other", CLUSTER],
  TLS_KEY_WRONG: [() => judged({ known: { peerKey: newSpki() } }), "claims.tls", /[0-9a-f]{64}, the connection's$/, `SPKI with SHA-256 ${toHex(sha256(tls))}, the claims'`],
  CLOCK_WENT_BACK: [() => judged({ known: { lastClock: clock } }), "quote.clock", "at least 7 resets", "1 resets"],
  CLOCK_FORKED: [() => judged({ known: { lastClock: { ...clock, resetCount: 1, bootId: "another" } } }), "claims.bootId", "another", BOOT_ID],
  LOG_LEGACY: [() => judged({ said: () => ({ firmwareLog: firmwareLog.with(32 + 14, 0x30), pcrs }) }), "firmwareLog", /Spec ID Event03/, "a log of TPM 1.2"],
  LOG_MALFORMED: [() => judged({ said: () => ({ firmwareLog: firmwareLog.subarray(0, -1), pcrs }) }), "firmwareLog", /crypto-agile/, /./],
  LOG_WITHOUT_SHA256: [() => judged({ said: () => ({ firmwareLog: logOfBanks(["sha1", "sha384", "sha512"]), pcrs }) }), "firmwareLog.banks", "sha256 among them", "sha1, sha384, sha512"],
  BANK_UNQUOTED: [() => judged({ said: () => ({ pcrs: new Map([...pcrs].filter(([bank]) => bank !== ALG.SHA384)) }) }), "quote.selection", /^a quote over sha1, sha256, sha384, sha512, which/, "a quote over sha1, sha256, sha512"],
  BANK_UNLOGGED: [() => judged({ said: () => ({ firmwareLog: logOfBanks(["sha256"]), pcrs }) }), "firmwareLog.banks", /^a log of sha1, sha256, sha384, sha512, which/, "a log of sha256"],
  BANK_INCONSISTENT: [() => judged(log((es) => es.map((e) => (e.pcr === 6 ? { ...e, digests: e.digests.with(2, new Uint8Array(48)) } : e)))), "PCR 6, event 0", "the sha384 digest of this event", "00".repeat(48)],
  USERSPACE_LOG_MALFORMED: [() => judged({ said: () => ({ userspaceLog: utf8("noise"), pcrs }) }), "userspaceLog", /tpm2-measure/, /./],
  LOG_MISMATCH: [() => judged({ said: () => ({ userspaceLog: userspaceLogOf(WORDS.slice(0, 2)), pcrs }) }), "PCR 11, event 14", /^[0-9a-f]{64} \(the word "kubedos-agent"\)$/, "nothing more"],
  SEPARATOR_WRONG: [() => judged(log((es) => es.filter((e) => e.pcr !== 6))), "PCR 6, event 0", /^df3f6198.*of four zero bytes/, "nothing more"],
  POST_SEPARATOR_EVENT: [() => judged(log((es) => [...es, newEvent(3, "EV_POST_CODE", utf8("late"))])), "PCR 3, event 1", "nothing more", /late/],
  BARRIER_WRONG: [() => judged(records(concatBytes(separatorRecords([4]), userspaceLog))), "PCR 0, event 4", /the word os-separator/, "nothing more"],
  SECURE_BOOT_OFF: [() => judged(log(withSecureBoot(0))), "PCR 7, event 0", "01 (on)", "00 (off)"],
  SECURE_BOOT_VARIABLE_WRONG: [() => judged(log((es) => [newEvent(7, "EV_EFI_ACTION", utf8("DMA Protection Disabled")), ...es])), "PCR 7, event 0", /variables, authorities/, /DMA Protection Disabled/],
  SECURE_BOOT_AUTHORITY_WRONG: [() => judged(log((es) => es.filter((e) => e.type !== EVENT_TYPE.EV_EFI_VARIABLE_AUTHORITY))), "PCR 7, event 6", /an entry of db/, "nothing more"],
  NO_RELEASE: [() => judged({ known: { releases: [] } }), "release", `a current release of cluster ${CLUSTER}`, "none"],
  ROLE_UNKNOWN: [() => judged({ ...log(otherOsrel), known: imagesWith({ role: "lb" }) }), "claims.role", /roles: lb$/, ROLE],
  ROLE_MISMATCH: [() => judged({ known: { pinnedRole: "storage" } }), "slot.role", /^storage, the role of the slot/, ROLE],
  RELEASE_WITHDRAWN: [
    () => judged({ known: { releases: [{ ...releaseOf(logWith(otherOsrel), ROLE, 2), id: "fedcba9876543210" }], otherReleases: [{ release, withdrawn: true, sinceMs: 1_700_000_000_000, reason: "a leak" }] } }),
    ...(["release", "release fedcba9876543210 (generation 2), current", "release 0123456789abcdef (generation 1), withdrawn since 2023-11-14T22:13:20Z: a leak"] as const),
  ],
  RELEASE_NOT_CURRENT: [() => judged({ known: { releases: [], otherReleases: [{ release, withdrawn: false }] } }), "release", /of which there is none$/, "release 0123456789abcdef (generation 1), not current"],
  BOOT_FAILED: [() => judged(records(userspaceLogOf(["enter-initrd", "kubedos-failed"]))), "PCR 11, event 13", "no such event", /the word "kubedos-failed"/],
  NO_RULE: [() => judged({ known: imagesWith({ pcrs: {} }) }), "PCR 0", "a rule in the release", /^[0-9a-f]{64}$/],
  PCR_MISMATCH: [() => judged(log(otherOsrel)), "PCR 11, event 3", /content of UKI section \.osrel/, /content of UKI section \.osrel/],
  SECURE_BOOT_POLICY_WRONG: [
    () => judged({ known: imagesWith({ pcrs: { ...release.images[0]?.pcrs, 7: { rule: "secure-boot", pk: ["0".repeat(64)], kek: ["0".repeat(64)], db: ["0".repeat(64)], dbxFloor: [] } } }) }),
    ...(["PCR 7, event 1", /in PK, by the release/, /in PK$/] as const),
  ],
  BARRIER_MISSING: [() => judged({ known: imagesWith({ osSeparator: true }) }), "PCR 0", "the word os-separator", "no such event"],
  QUIRK_REFUSED: [
    () => {
      const lb = { ...releaseOf(firmwareLog, "lb").images[0]!, quirks: ["amd-pcr2-after-separator" as const], pcrs: {} };
      return judged({ ...log((es) => [...es, newEvent(2, 0x8401, utf8("amd"))]), known: { releases: [{ ...release, images: [...release.images, lb] }] } });
    },
    ...(["firmwareLog.quirk", /lists the quirk/, "amd-pcr2-after-separator"] as const),
  ],
  PHASE_WRONG: [() => judged(records(userspaceLogOf(WORDS.slice(0, 2)))), "PCR 11, event 14", /the word "kubedos-agent"/, "nothing more"],
  PCR_NOT_ZERO: [() => judged(log((es) => [...es, newEvent(12, "EV_IPL", utf16("evil=1"))])), "PCR 12, event 0", "nothing, ever", /"evil=1"/],
  FIRMWARE_CHANGED: [() => judged({ known: { baseline: { values: { 0: "", 1: "", 2: "", 3: "" }, events: {} } } }), "PCR 0", /recorded at the approval/, /^[0-9a-f]{64}$/],
  JUDGE_FAILED: [() => judgeFailed("the thread ended"), "check", "an answer", "the thread ended"],
};

t.test("every refusal names an event of a PCR, or what was expected and what was found", (t) => {
  t.equal(judged({}).ok, true, "unspoiled it passes");
  for (const code of Object.keys(ATTEST_CODES) as AttestCode[]) {
    const [provoke, place, expected, found] = CASES[code];
    const verdict = provoke();
    if (verdict.ok || verdict.code !== code) {
      t.fail(`${code}: ${verdict.ok ? "it passed" : `${verdict.code}, ${verdict.message}`}`);
      continue;
    }
    const finding: Finding | undefined = verdict.findings.find((f) => f.code === code);
    t.match(finding, { code, expected, found, what: /./, cause: /\.$/ }, code);
    t.equal(finding && placeOf(finding), place, code);
    if (finding?.at === "event" && finding.found !== "nothing more") t.match(finding.type, /./, `${code}: with the event's type`);
  }
  t.end();
});
