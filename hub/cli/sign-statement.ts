import { createPublicKey } from "node:crypto";
import { encodeEnvelope, signEnvelope } from "../../proto/dsse/dsse.ts";
import type { SignedStatement } from "../../proto/gen/kubedos/v1/admin.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import type { OperatorIdentity } from "./connect/identity.ts";

/** Signs with the operator's own key; the chain goes along, so that everybody can verify the statement without the hub. */
export function signStatement(type: string, says: unknown, operator: OperatorIdentity): SignedStatement {
  const envelope = signEnvelope(type, canonicalJson(says), operator.key, createPublicKey(operator.key));
  return { envelope: Buffer.from(encodeEnvelope(envelope)), certificateChain: operator.chain.map((der) => Buffer.from(der)) };
}
