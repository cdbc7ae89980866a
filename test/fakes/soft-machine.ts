import { generateKeyPairSync, sign } from "node:crypto";
import type { UnverifiedEvidence } from "../../hub/attest/types.ts";
import type { Asked } from "./evidence-case.ts";
import { evidenceExtraData } from "../../proto/evidence/extra-data.ts";
import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { parseEventLog } from "../../proto/eventlog/event-log.ts";
import { extendAll, initialPcr, replayEventLog } from "../../proto/eventlog/replay.ts";
import { parseUserspaceLog } from "../../proto/eventlog/userspace.ts";
import { ALG, type HashAlg, hashSize } from "../../proto/tpm/alg.ts";
import { ATTEST_QUOTE, TPM_GENERATED } from "../../proto/tpm/attest.ts";
import { pcrDigest } from "../../proto/tpm/pcr.ts";
import { marshalPcrSelections } from "../../proto/tpm/pcr-selection.ts";
import { RH } from "../../proto/tpm/handles.ts";
import { marshalPublic, nameOf } from "../../proto/tpm/public.ts";
import { AK_TEMPLATES, EK_TEMPLATES } from "../../proto/tpm/templates.ts";
import { concatBytes, sha256 } from "../../proto/wire/bytes.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";

/** PCR values of one bank. */
export type BankPcrs = ReadonlyMap<number, Uint8Array>;

/** PCR values after both logs, in each bank that they tell. */
export function pcrsAfter(firmwareLog: Uint8Array, userspaceLog: Uint8Array): Map<HashAlg, BankPcrs> {
  const log = parseEventLog(firmwareLog);
  const records = parseUserspaceLog(userspaceLog);
  return new Map(log.banks.map(({ id, name, size }) => {
    const values = new Map(replayEventLog(log, name));
    for (const { pcr, digests } of records) values.set(pcr, extendAll(name, values.get(pcr) ?? initialPcr(pcr, size, 0), [digests.get(name) ?? new Uint8Array(size)]));
    return [id, values];
  }));
}

/** What a machine says and measured; logs that it shows may differ from what was measured. */
export interface SoftAnswer {
  readonly challenge: Asked;
  readonly claims: Uint8Array;
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
  /** Real PCR values of the banks that are quoted; without them those of the logs. */
  readonly pcrs?: ReadonlyMap<HashAlg, BankPcrs>;
  /** What the quote says of itself, where it isn't a quote by this key over the quoted PCRs: no real TPM would sign it. */
  readonly header?: { readonly magic?: number; readonly type?: number; readonly qualifiedSigner?: Uint8Array; readonly selection?: readonly number[] };
  /** Clock of the quote; without it one millisecond after the first reset. */
  readonly clock?: { readonly clock: bigint; readonly resetCount: number; readonly restartCount: number; readonly safe: boolean };
}

/**
 * Answers challenges like a TPM whose keys lie in this process. A verifier can't tell, but for MakeCredential, which
 * isn't played here: it makes thousands of well-signed evidences for fuzzing. What a real TPM does is tested with swtpm.
 */
export function softMachine(): (answer: SoftAnswer) => UnverifiedEvidence {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = publicKey.export({ format: "jwk" });
  const point = { x: new Uint8Array(Buffer.from(jwk.x ?? "", "base64url")), y: new Uint8Array(Buffer.from(jwk.y ?? "", "base64url")) };
  const akPublic = marshalPublic({ ...AK_TEMPLATES.ecc, type: "ecc", curve: "P-256", ...point });
  const ekPublic = marshalPublic({ ...EK_TEMPLATES.ecc, type: "ecc", curve: "P-256", ...point });
  const qualifiedSigner = concatBytes(Uint8Array.of(0, ALG.SHA256), sha256(new ByteWriter().u32be(RH.ENDORSEMENT).done(), nameOf(akPublic)));
  return ({ challenge, claims, firmwareLog, userspaceLog, pcrs, header = {}, clock = { clock: 1n, resetCount: 1, restartCount: 0, safe: true } }) => {
    const values = pcrs ?? pcrsAfter(firmwareLog, userspaceLog);
    const extraData = evidenceExtraData({ nonce: challenge.nonce, verifier: challenge.verifier, claims, firmwareLog, userspaceLog });
    const digest = pcrDigest([...values].flatMap(([bank, pcrs]) => QUOTED_PCRS.map((pcr) => pcrs.get(pcr) ?? new Uint8Array(hashSize(bank)))));
    const quote = new ByteWriter()
      .u32be(header.magic ?? TPM_GENERATED)
      .u16be(header.type ?? ATTEST_QUOTE)
      .sized16be(header.qualifiedSigner ?? qualifiedSigner)
      .sized16be(extraData)
      .u64be(clock.clock)
      .u32be(clock.resetCount)
      .u32be(clock.restartCount)
      .u8(clock.safe ? 1 : 0)
      .u64be(0n)
      .bytes(marshalPcrSelections([...values.keys()].map((hash) => ({ hash, pcrs: header.selection ?? QUOTED_PCRS }))))
      .sized16be(digest)
      .done();
    const rs = new Uint8Array(sign("sha256", quote, { key: privateKey, dsaEncoding: "ieee-p1363" }));
    const signature = new ByteWriter().u16be(ALG.ECDSA).u16be(ALG.SHA256).sized16be(rs.subarray(0, 32)).sized16be(rs.subarray(32)).done();
    return { ekPublic, akPublic, secret: challenge.secret, quote, signature, claims, firmwareLog, userspaceLog };
  };
}
