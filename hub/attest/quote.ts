import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { ALG, digest, type HashAlg, hashName, type ShaAlg } from "../../proto/tpm/alg.ts";
import { type Attest, ATTEST_QUOTE, parseAttest, type QuoteInfo, TPM_GENERATED } from "../../proto/tpm/attest.ts";
import { RH } from "../../proto/tpm/handles.ts";
import type { PcrSelection } from "../../proto/tpm/pcr-selection.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { parseSignature, type TpmSignature, verifySignature } from "../../proto/tpm/signature.ts";
import { concatBytes, equalBytes } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import type { AttestationKey } from "./keys.ts";
import { refuseAs, type Refusal, refuseField } from "./refusal.ts";

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
  const signed = refuseAs("QUOTE_MALFORMED", "signature", "TPMT_SIGNATURE by rsassa, rsapss or ecdsa", () => parseSignature(signature));
  const attest = refuseAs("QUOTE_MALFORMED", "quote", "TPMS_ATTEST of a quote", () => parseAttest(quote));
  const isGood = refuseAs("AK_MALFORMED", "ak.public", "a key that can verify", () => verifySignature(ak, signed, quote));
  if (!isGood) throw wrongSignature(ak, akPublic, signed);
  if (attest.magic !== TPM_GENERATED) {
    throw refuseField("MAGIC_WRONG", "quote.magic", { what: "the TPM's own mark", expected: `${hex(TPM_GENERATED)} (TPM_GENERATED_VALUE)`, found: hex(attest.magic) });
  }
  const info = quoteOf(attest);
  const signer = qualifiedName(akPublic);
  if (!equalBytes(attest.qualifiedSigner, signer)) {
    throw refuseField("SIGNER_WRONG", "quote.signer", { what: "qualified Name of the signer", expected: toHex(signer), found: toHex(attest.qualifiedSigner) });
  }
  if (info.selections.length > 0 && info.selections.every((s) => s.hash === ALG.SHA1)) throw wrongSelection("SHA1_ONLY", info.selections);
  if (!isOurSelection(info.selections)) throw wrongSelection("SELECTION_WRONG", info.selections);
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
  if (attest.type !== ATTEST_QUOTE || attest.quote === undefined) {
    throw refuseField("TYPE_WRONG", "quote.type", { what: "kind of statement", expected: `${hex(ATTEST_QUOTE)} (TPM_ST_ATTEST_QUOTE)`, found: hex(attest.type) });
  }
  return attest.quote;
}

function isOurSelection(selections: readonly PcrSelection[]): boolean {
  const isOurs = ({ pcrs }: PcrSelection): boolean => pcrs.length === QUOTED_PCRS.length && pcrs.every((pcr, i) => pcr === QUOTED_PCRS[i]);
  return selections.some((s) => s.hash === ALG.SHA256) && selections.every(isOurs);
}

function wrongSignature(ak: AttestationKey, akPublic: Uint8Array, signed: TpmSignature): Refusal {
  const words = ({ scheme, hash }: { readonly scheme: string; readonly hash: ShaAlg }): string => `${scheme} with ${hashName(hash)}`;
  const expected = `${words({ scheme: ak.scheme.name, hash: ak.scheme.hash })}, by the key ${toHex(nameOf(akPublic))}`;
  return refuseField("SIGNATURE_WRONG", "signature", { what: "signature over the quote", expected, found: `${words(signed)}, which isn't that key's over these bytes` });
}

function wrongSelection(code: "SHA1_ONLY" | "SELECTION_WRONG", selections: readonly PcrSelection[]): Refusal {
  const words = ({ hash, pcrs }: PcrSelection): string => `${hashName(hash)}: ${pcrs.join(" ")}`;
  const found = selections.length === 0 ? "no PCR" : selections.map(words).join("; ");
  const expected = `${words({ hash: ALG.SHA256, pcrs: QUOTED_PCRS })}, and the same in every other bank of the quote`;
  return refuseField(code, "quote.selection", { what: "quoted PCRs", expected, found });
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
