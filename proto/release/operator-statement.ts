import { openEnvelope, parseEnvelope } from "../dsse/dsse.ts";
import { type Identity, verifyIdentity } from "../pki/verify.ts";

/** An operator's statement as it travels and is stored: DSSE bytes, and the certificates that verify them (DER, leaf first). */
export interface OperatorStatement {
  readonly envelope: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

/** By what operators are known; all of it from the image but the time. */
export interface OperatorTrust {
  readonly cluster: string;
  /** PEM of the root. */
  readonly rootCa: string;
  readonly now: Date;
}

/**
 * Opens a statement if an operator of this cluster made it: his chain holds under the root now, and his key signed the envelope under exactly
 * this payload type (DESIGN §2.12). What the statement says is the caller's to judge. Throws PkiError, WireError or what `parse` throws.
 */
export function openOperatorStatement<T>(type: string, parse: (payload: Uint8Array) => T, signed: OperatorStatement, trust: OperatorTrust): { readonly says: T; readonly operator: Identity } {
  const { cluster, rootCa: root, now } = trust;
  const operator = verifyIdentity({ chain: signed.chain, root, role: "operator", cluster, now });
  return { says: parse(openEnvelope(type, parseEnvelope(signed.envelope), [operator.key])), operator };
}
