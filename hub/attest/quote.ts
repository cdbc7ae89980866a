import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { ALG, digest, type HashAlg, type ShaAlg } from "../../proto/tpm/alg.ts";
import { type Attest, ATTEST_QUOTE, parseAttest, type QuoteInfo, TPM_GENERATED } from "../../proto/tpm/attest.ts";
import { RH } from "../../proto/tpm/handles.ts";
import type { PcrSelection } from "../../proto/tpm/pcr-selection.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { parseSignature, verifySignature } from "../../proto/tpm/signature.ts";
import { concatBytes, equalBytes } from "../../proto/wire/bytes.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import type { AttestationKey } from "./keys.ts";
import { Refusal, refuseAs } from "./refusal.ts";

/** A quote whose signature, kind and selection are good; what it is bound to is not looked at yet. */
export interface SignedQuote {
  readonly extraData: Uint8Array;
  readonly clock: Attest["clock"];
  readonly pcrs: QuotedDigest;
}

/** One hash over the values of {@link QUOTED_PCRS} in each of some banks. */
export interface QuotedDigest {
  readonly digest: Uint8Array;
  /** What it was made with: the hash of the key's scheme, whatever the banks are (P21). */
  readonly hash: ShaAlg;
  /** In the quote's order, each once, SHA-256 among them. */
  readonly banks: readonly HashAlg[];
}

/**
 * Signature by the key in its own scheme (P22), magic (P1; CVE-2024-29038), type (P2), a signer that the TPM calls by the
 * Name of exactly these bytes under the endorsement hierarchy (P8, P23), and a selection that is exactly the PCRs of every quote in the
 * SHA-256 bank and in each other bank that it names, read from the signed bytes (P3, P20; CVE-2024-29039, CVE-2022-0317). Which other
 * banks there must be, the log says (banks.ts). Throws Refusal.
 */
export function checkQuote(ak: AttestationKey, akPublic: Uint8Array, quote: Uint8Array, signature: Uint8Array): SignedQuote {
  const signed = refuseAs("QUOTE_MALFORMED", () => parseSignature(signature));
  const attest = refuseAs("QUOTE_MALFORMED", () => parseAttest(quote));
  if (!refuseAs("AK_MALFORMED", () => verifySignature(ak, signed, quote))) throw new Refusal("SIGNATURE_WRONG");
  if (attest.magic !== TPM_GENERATED) throw new Refusal("MAGIC_WRONG");
  const info = quoteOf(attest);
  if (!equalBytes(attest.qualifiedSigner, qualifiedName(akPublic))) throw new Refusal("SIGNER_WRONG");
  if (info.selections.length > 0 && info.selections.every((s) => s.hash === ALG.SHA1)) throw new Refusal("SHA1_ONLY");
  if (!isOurSelection(info.selections)) throw new Refusal("SELECTION_WRONG");
  const banks = info.selections.map((s) => s.hash);
  return { extraData: attest.extraData, clock: attest.clock, pcrs: { digest: info.digest, hash: ak.scheme.hash, banks } };
}

/**
 * Qualified Name of a primary key under the endorsement hierarchy: SHA-256 over the hierarchy's handle and the Name
 * (TPM 2.0 Part 1, 16.2). checkAk has seen to the name algorithm.
 */
function qualifiedName(akPublic: Uint8Array): Uint8Array {
  const parent = new ByteWriter().u32be(RH.ENDORSEMENT).done();
  const id = new ByteWriter().u16be(ALG.SHA256).done();
  return concatBytes(id, digest(ALG.SHA256, parent, nameOf(akPublic)));
}

function quoteOf(attest: Attest): QuoteInfo {
  if (attest.type !== ATTEST_QUOTE || attest.quote === undefined) throw new Refusal("TYPE_WRONG");
  return attest.quote;
}

function isOurSelection(selections: readonly PcrSelection[]): boolean {
  const isOurs = ({ pcrs }: PcrSelection): boolean => pcrs.length === QUOTED_PCRS.length && pcrs.every((pcr, i) => pcr === QUOTED_PCRS[i]);
  return selections.some((s) => s.hash === ALG.SHA256) && selections.every(isOurs);
}
