import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { certificatesFromPem } from "../../proto/pki/pem.ts";
import { mayDo } from "../../proto/pki/operator-role.ts";
import { APPROVAL } from "../../proto/release/approval.ts";
import { verifyOperator } from "../../proto/pki/verify.ts";
import { OPERATOR_FILES } from "../keys/issue-operator.ts";
import type { PublicKeys } from "../keys/read-public-keys.ts";
import { DeployError } from "./error.ts";
import type { OperatorKey } from "./make-delivery.ts";

/**
 * Reads the folder of an operator and checks, as the hub will, that he is one of this cluster now: better said here than
 * after a guest has booted. Throws DeployError `WRONG_OPERATOR`, or the file system's error.
 */
export async function readOperator(dir: string, keys: Pick<PublicKeys, "cluster" | "root">, now: Date): Promise<OperatorKey> {
  const [pem, text] = await Promise.all([readFile(join(dir, OPERATOR_FILES.key)), readFile(join(dir, OPERATOR_FILES.chain), "utf8")]);
  const key = openKey(pem, dir);
  try {
    const chain = certificatesFromPem(text);
    const identity = verifyOperator({ chain, root: keys.root, cluster: keys.cluster, now });
    if (!mayDo(identity.operatorRole, APPROVAL.needs)) throw new Error(`${identity.name} is ${identity.operatorRole} and can't approve the hub's own node`);
    if (createPublicKey(key).equals(identity.key)) return { key, chain };
  } catch (cause) {
    throw new DeployError("WRONG_OPERATOR", `${dir} is no operator of cluster "${keys.cluster}" (${cause instanceof Error ? cause.message : "unreadable"})`, { cause });
  }
  throw new DeployError("WRONG_OPERATOR", `the key in ${dir} is not the one of its certificate`);
}

function openKey(pem: Buffer, dir: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new DeployError("WRONG_OPERATOR", `${join(dir, OPERATOR_FILES.key)} can't be opened; one under a passphrase can't sign for the hub's own node`, { cause });
  }
}
