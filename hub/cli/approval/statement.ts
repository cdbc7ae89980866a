import type { Node, SignedStatement } from "../../../proto/gen/kubedos/v1/admin.ts";
import { type Approval, APPROVAL_TYPE, approvalSchema } from "../../../proto/release/approval.ts";
import { firmwareDigest, type FirmwareValues, firmwareValuesSchema } from "../../../proto/release/firmware.ts";
import { CliError } from "../cli-error.ts";
import type { OperatorIdentity } from "../connect/identity.ts";
import { isUnanchored } from "../node-state.ts";
import { printable } from "../output/printable.ts";
import { signStatement } from "../sign-statement.ts";

/** What the operator decided beside the node itself. */
export interface Decision {
  readonly slot: string;
  /** Seconds since 1970. */
  readonly notAfter: number;
}

/**
 * The statement about exactly the machine that was shown. Every value but the operator's own comes from the hub, so all
 * of it passes the schema again before a key touches it. Throws CliError `HUB_UNTRUSTED`.
 */
export function makeApproval(node: Node, operator: OperatorIdentity, decision: Decision): Approval {
  if (node.cluster !== operator.cluster) {
    throw notSignable(`the hub says that this node is in cluster ${printable(node.cluster)}, your certificate is for ${operator.cluster}`);
  }
  const parsed = approvalSchema.safeParse({
    kind: "kubedos/approval",
    version: 1,
    cluster: operator.cluster,
    ekName: node.ekName,
    slot: decision.slot,
    role: node.role,
    identityGeneration: Number(node.generation),
    releaseGeneration: Number(node.releaseGeneration),
    firmware: firmwareDigest(readFirmware(node)),
    notAfter: decision.notAfter,
    acceptRisks: isUnanchored(node) ? ["unanchored"] : [],
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw notSignable(`the hub's words about this node can't be signed: ${issue?.path.join(".")}: ${issue?.message}`);
}

/** The statement signed, for the hub and for every peer. */
export function signApproval(approval: Approval, operator: OperatorIdentity): SignedStatement {
  return signStatement(APPROVAL_TYPE, approval, operator);
}

/** PCR 0–3 as they were shown. A hub that tells none would get a statement for any firmware. */
function readFirmware(node: Node): FirmwareValues {
  const values = firmwareValuesSchema.safeParse(node.firmware);
  if (!values.success) throw notSignable("the hub doesn't say which firmware this node has");
  return values.data;
}

function notSignable(message: string): CliError {
  return CliError.local("HUB_UNTRUSTED", message, "kubedos-hub health");
}
