import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Challenge, Known, UnverifiedEvidence } from "../hub/attest/types.ts";
import { evidenceExtraData, verifierContext } from "../proto/evidence/extra-data.ts";
import { PHASE_WORDS, QUOTED_PCRS } from "../proto/evidence/limits.ts";
import { bankIndex, parseEventLog, type UnverifiedEventLog } from "../proto/eventlog/event-log.ts";
import { extendAll, groupByPcr, initialPcr, replayEventLog } from "../proto/eventlog/replay.ts";
import { encodeUserspaceRecord, parseUserspaceLog } from "../proto/eventlog/userspace.ts";
import type { PcrRule, Release, ReleaseImage } from "../proto/release/release.ts";
import { ALG, type HashAlg, hashSize } from "../proto/tpm/alg.ts";
import { ATTEST_QUOTE, TPM_GENERATED } from "../proto/tpm/attest.ts";
import { RH } from "../proto/tpm/handles.ts";
import { pcrDigest, ZERO_PCR } from "../proto/tpm/pcr.ts";
import { marshalPcrSelections } from "../proto/tpm/pcr-selection.ts";
import { marshalPublic, nameOf, type TpmPublic } from "../proto/tpm/public.ts";
import { AK_TEMPLATES, EK_TEMPLATES } from "../proto/tpm/templates.ts";
import { toBase64 } from "../proto/wire/base64.ts";
import { concatBytes, sha256, utf8 } from "../proto/wire/bytes.ts";
import { toHex } from "../proto/wire/hex.ts";
import { canonicalJson } from "../proto/wire/json.ts";
import { ByteWriter } from "../proto/wire/writer.ts";

/** All that one verification takes. */
export interface VerdictCase {
  readonly evidence: UnverifiedEvidence;
  readonly challenge: Challenge;
  readonly known: Known;
  readonly ak: TpmPublic;
}

const BOOT_ID = "a4852c21-6df1-4148-ba93-00485be83aaf";
const CLUSTER = "bench";

/** Good evidence over this firmware log, signed in software as a TPM would: what signs it makes no difference to who verifies. */
export function verdictCase(kind: "rsa" | "ecc", firmwareLog: Uint8Array): VerdictCase {
  const { key: ak, privateKey } = kind === "rsa" ? rsaKey(AK_TEMPLATES.rsa) : eccKey(AK_TEMPLATES.ecc);
  const ekPublic = marshalPublic(eccKey(EK_TEMPLATES.ecc).key);
  const akPublic = marshalPublic(ak);
  const tls = new Uint8Array(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "der" }));
  const said = PHASE_WORDS.slice(0, 3);
  const log = parseEventLog(firmwareLog);
  const banks = log.banks.map((bank) => bank.name);
  const userspaceLog = concatBytes(...said.map((word) => encodeUserspaceRecord({ pcr: 11, word, bootId: BOOT_ID, banks })));
  const key = toBase64(sha256(utf8("wireguard")));
  const claims = canonicalJson({
    ...{ kind: "kubedos/claims", version: 1, stage: "admission", cluster: CLUSTER, role: "worker", bootId: BOOT_ID, tls: toBase64(tls) },
    ...{ wireguard: { wg1: key, wg2: toBase64(sha256(utf8("2"))), wg3: toBase64(sha256(utf8("3"))) }, hint: null },
  });
  const names = { ekName: toHex(nameOf(ekPublic)), akName: toHex(nameOf(akPublic)) };
  const challenge: Challenge = { nonce: sha256(utf8("nonce")), secret: sha256(utf8("secret")), verifier: verifierContext(CLUSTER, tls), ...names, issuedAt: 0, expiresAt: 2 };
  const extraData = evidenceExtraData({ nonce: challenge.nonce, verifier: challenge.verifier, claims, firmwareLog, userspaceLog });
  const quote = quoteOver(pcrsAfter(log, userspaceLog), akPublic, extraData);
  const evidence = { ekPublic, akPublic, secret: challenge.secret, quote, signature: signatureOf(kind, privateKey, quote), claims, firmwareLog, userspaceLog };
  const known: Known = {
    ...{ cluster: CLUSTER, peerKey: tls, releases: [releaseOf(firmwareLog)], pinnedRole: "worker" },
    ...{ ekCertificate: null, baseline: null, lastClock: null, now: 1 },
  };
  return { evidence, challenge, known, ak };
}

interface SoftKey {
  readonly key: TpmPublic;
  readonly privateKey: KeyObject;
}

function rsaKey(template: TpmPublic): SoftKey {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const modulus = new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).n ?? "", "base64url"));
  if (template.type !== "rsa") throw new Error("not a template for RSA");
  return { key: { ...template, modulus }, privateKey };
}

function eccKey(template: TpmPublic): SoftKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const number = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));
  if (template.type !== "ecc") throw new Error("not a template for ECC");
  return { key: { ...template, x: number(x), y: number(y) }, privateKey };
}

/** PCR values of each bank. */
type Pcrs = ReadonlyMap<HashAlg, ReadonlyMap<number, Uint8Array>>;

function pcrsAfter(log: UnverifiedEventLog, userspaceLog: Uint8Array): Pcrs {
  const said = parseUserspaceLog(userspaceLog);
  return new Map(log.banks.map(({ id, name, size }) => {
    const values = new Map(replayEventLog(log, name));
    for (const { pcr, digests } of said) values.set(pcr, extendAll(name, values.get(pcr) ?? initialPcr(pcr, size, 0), [digests.get(name) ?? new Uint8Array(size)]));
    return [id, values];
  }));
}

function quoteOver(pcrs: Pcrs, akPublic: Uint8Array, extraData: Uint8Array): Uint8Array {
  const signer = concatBytes(Uint8Array.of(0, ALG.SHA256), sha256(new ByteWriter().u32be(RH.ENDORSEMENT).done(), nameOf(akPublic)));
  const w = new ByteWriter().u32be(TPM_GENERATED).u16be(ATTEST_QUOTE).sized16be(signer).sized16be(extraData);
  w.u64be(1n).u32be(1).u32be(0).u8(1).u64be(0n).bytes(marshalPcrSelections([...pcrs.keys()].map((hash) => ({ hash, pcrs: QUOTED_PCRS }))));
  return w.sized16be(pcrDigest([...pcrs].flatMap(([bank, values]) => QUOTED_PCRS.map((pcr) => values.get(pcr) ?? new Uint8Array(hashSize(bank)))))).done();
}

function signatureOf(kind: "rsa" | "ecc", key: KeyObject, quote: Uint8Array): Uint8Array {
  if (kind === "rsa") return new ByteWriter().u16be(ALG.RSASSA).u16be(ALG.SHA256).sized16be(new Uint8Array(sign("sha256", quote, key))).done();
  const rs = new Uint8Array(sign("sha256", quote, { key, dsaEncoding: "ieee-p1363" }));
  return new ByteWriter().u16be(ALG.ECDSA).u16be(ALG.SHA256).sized16be(rs.subarray(0, 32)).sized16be(rs.subarray(32)).done();
}

/** Rules as the builder writes them for QEMU, and for each other role an image that this boot isn't. */
function releaseOf(firmwareLog: Uint8Array): Release {
  const log = parseEventLog(firmwareLog);
  const at = bankIndex(log, "sha256");
  const values = replayEventLog(log, "sha256");
  const eventsOf = (pcr: number) => (groupByPcr(log.events).get(pcr) ?? []).map((e) => ({ type: e.typeName, digest: toHex(e.digests[at] ?? ZERO_PCR), what: e.typeName }));
  const exact = (pcr: number): PcrRule => ({ rule: "exact", events: eventsOf(pcr), value: toHex(values.get(pcr) ?? ZERO_PCR) });
  const words: PcrRule = { rule: "words", events: eventsOf(11), words: [...PHASE_WORDS], earliest: "kubedos-agent" };
  const pcrs: Record<string, PcrRule> = { "4": exact(4), "7": exact(7), "11": words };
  for (const pcr of [0, 1, 2, 3]) pcrs[pcr] = { rule: "pinned" };
  for (const pcr of [5, 6, 9]) pcrs[pcr] = { rule: "replayed" };
  for (const pcr of [12, 13, 14]) pcrs[pcr] = { rule: "zero" };
  const zero = "0".repeat(64);
  const image = (role: string): ReleaseImage => ({ role, target: "qemu", purpose: "node", disk: { file: "d", size: 1, sha256: zero }, uki: { sha256: zero, authenticode: zero }, rootHash: zero, pcrs });
  const nothing: PcrRule = { rule: "exact", events: [], value: createHash("sha256").digest("hex") };
  const foreign: Record<string, PcrRule> = { ...pcrs, "4": nothing };
  const others = ["master", "storage", "etcd", "lb"].map((role) => ({ ...image(role), pcrs: foreign }));
  return { kind: "kubedos/release", version: 1, cluster: CLUSTER, id: "0123456789abcdef", generation: 1, epoch: 0, images: [...others, image("worker")] };
}
