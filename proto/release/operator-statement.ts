import { openEnvelope, parseEnvelope } from "../dsse/dsse.ts";
import { PkiError } from "../pki/error.ts";
import { mayDo, type OperatorRole } from "../pki/operator-role.ts";
import { type OperatorIdentity, verifyOperator } from "../pki/verify.ts";

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

/** A kind of statement: its DSSE payload type, how its payload is read, and what an operator has to be for it to count. */
export interface StatementKind<T> {
  readonly type: string;
  readonly parse: (payload: Uint8Array) => T;
  readonly needs: OperatorRole;
}

/**
 * Opens a statement if an operator of this cluster made it who may: his chain holds under the root now, its role is enough for this kind, and his
 * key signed the envelope under exactly this payload type (DESIGN §2.12). What the statement says is the caller's to judge. Throws PkiError,
 * WireError or what `parse` throws.
 */
export function openOperatorStatement<T>({ type, parse, needs }: StatementKind<T>, signed: OperatorStatement, trust: OperatorTrust): { readonly says: T; readonly operator: OperatorIdentity } {
  const { cluster, rootCa: root, now } = trust;
  const operator = verifyOperator({ chain: signed.chain, root, cluster, now });
  if (!mayDo(operator.operatorRole, needs)) throw new PkiError("OPERATOR_ROLE", `${operator.name} is ${operator.operatorRole}; a statement of this kind needs ${needs}`);
  return { says: parse(openEnvelope(type, parseEnvelope(signed.envelope), [operator.key])), operator };
}
