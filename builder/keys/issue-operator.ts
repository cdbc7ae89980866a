import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { issueLeaf } from "../../proto/pki/issue.ts";
import type { OperatorRole } from "../../proto/pki/operator-role.ts";
import { parseCertificate } from "../../proto/pki/parse-certificate.ts";
import { certificatesToPem } from "../../proto/pki/pem.ts";
import { KeysError } from "./error.ts";
import type { OpenKeys } from "./open-keys.ts";

const DAYS = 365;
const DAY_MS = 86_400_000;

/** A new operator: who, and where his files go. */
export interface IssueOperatorRequest {
  readonly keys: OpenKeys;
  readonly name: string;
  readonly operatorRole: OperatorRole;
  readonly out: string;
  readonly now: Date;
  /** Encrypts operator.key; without one it is plain PKCS#8, mode 0600. */
  readonly passphrase?: string;
}

/** Files of an operator in its folder. */
export const OPERATOR_FILES = { key: "operator.key", chain: "operator.crt", root: "root.crt" } as const;

/**
 * Makes an operator's P-256 key, its certificate and what its programs need to know the hub: `operator.key`,
 * `operator.crt` (leaf, then intermediate), `root.crt`. Nothing is overwritten. Throws KeysError.
 */
export async function issueOperator(request: IssueOperatorRequest): Promise<{ readonly dir: string; readonly notAfter: Date }> {
  const { keys, out, now } = request;
  if (Object.values(OPERATOR_FILES).some((name) => existsSync(join(out, name)))) throw new KeysError("EXISTS", `${out} holds an operator's files already`);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const notAfter = new Date(now.getTime() + DAYS * DAY_MS);
  const leaf = await issueLeaf({
    cluster: keys.cluster,
    role: "operator",
    operatorRole: request.operatorRole,
    name: request.name,
    subjectKey: privateKey,
    // From its issuer's first day: a hub or a node whose clock is behind must still take a new operator and his approvals.
    notBefore: parseCertificate(keys.operatorIssuer).notBefore,
    notAfter,
    serial: randomBytes(16),
    issuer: keys.operatorIssuerKeys,
  });
  const encryption = request.passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase: request.passphrase };
  await mkdir(out, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string, mode: number) => writeFile(join(out, name), text, { mode, flag: "wx" });
  await write(OPERATOR_FILES.key, privateKey.export({ type: "pkcs8", format: "pem", ...encryption }).toString(), 0o600);
  await write(OPERATOR_FILES.chain, certificatesToPem(leaf, keys.operatorIssuer), 0o644);
  await write(OPERATOR_FILES.root, certificatesToPem(keys.root), 0o644);
  return { dir: out, notAfter };
}
