import { concatBytes, sha256, utf8 } from "../wire/bytes.ts";

const DOMAIN = concatBytes(utf8("kubedos-evidence-v1"), Uint8Array.of(0));

/** What one quote is bound to; each part changes the value that the TPM signs. */
export interface EvidenceBinding {
  /** 32 bytes from the verifier, single use. */
  readonly nonce: Uint8Array;
  /** From {@link verifierContext}: who asked, in which cluster. */
  readonly verifier: Uint8Array;
  readonly claims: Uint8Array;
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
}

/** SHA-256(cluster id ‖ SPKI): names the verifier by the key that its TLS certificate proved, so a relay changes it. */
export function verifierContext(cluster: string, spki: Uint8Array): Uint8Array {
  return sha256(utf8(cluster), spki);
}

/**
 * The quote's extraData (DESIGN §2.8): SHA-256("kubedos-evidence-v1" ‖ 0x00 ‖ nonce ‖ verifier ‖ SHA-256(claims) ‖
 * SHA-256(firmware log) ‖ SHA-256(userspace log)); 32 bytes.
 */
export function evidenceExtraData(b: EvidenceBinding): Uint8Array {
  return extraDataOver(b, { claims: sha256(b.claims), firmwareLog: sha256(b.firmwareLog), userspaceLog: sha256(b.userspaceLog) });
}

/** The same from the parts' SHA-256 digests, for who has them already. */
export function extraDataOver(
  asked: Pick<EvidenceBinding, "nonce" | "verifier">,
  digests: { readonly claims: Uint8Array; readonly firmwareLog: Uint8Array; readonly userspaceLog: Uint8Array },
): Uint8Array {
  return sha256(DOMAIN, asked.nonce, asked.verifier, digests.claims, digests.firmwareLog, digests.userspaceLog);
}
