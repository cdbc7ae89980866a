import { type KeyObject, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import type { Issuer } from "../../proto/pki/issue.ts";
import { KeysError } from "./error.ts";
import { type KeyAccess, openBox } from "./open-box.ts";
import type { PrivateKey } from "./private-key.ts";
import { type PublicKeys, readPublicKeys } from "./read-public-keys.ts";

/** A key directory that was opened: what the build host signs with. */
export interface OpenKeys extends PublicKeys {
  /** RSA, signs UKIs. */
  readonly dbKey: PrivateKey;
  /** Ed25519, sign releases, deliveries and pins; in the order of `releaseKeys`. */
  readonly releaseSigningKeys: readonly PrivateKey[];
  /** RSA, approves PCR policies. */
  readonly policySigningKey: PrivateKey;
  readonly rootIssuer: Issuer;
  readonly operatorIssuerKeys: Issuer;
}

/**
 * Opens the signing keys; those in files are compared with their certificates now, those in a token at each signature. PK and
 * KEK stay closed: only a rotation needs them. `access` may be the passphrase alone. Throws KeysError.
 */
export async function openKeys(dir: string, access: string | KeyAccess): Promise<OpenKeys> {
  const facts = await readPublicKeys(dir);
  await checkMode(dir);
  const box = await openBox(dir, facts.cluster, typeof access === "string" ? { secret: access } : access);
  const [release, previous] = facts.releaseKeys;
  if (release === undefined) throw new KeysError("DAMAGED", "keys.json names no release key");
  return {
    ...facts,
    dbKey: await box.open("db", publicOf(facts.db)),
    releaseSigningKeys: [await box.open("release", release), ...(previous === undefined ? [] : [await box.open("previousRelease", previous)])],
    policySigningKey: await box.open("policy", facts.policyKey),
    rootIssuer: { certificate: facts.root, key: await box.open("root", publicOf(facts.root)) },
    operatorIssuerKeys: { certificate: facts.operatorIssuer, key: await box.open("operatorIssuer", publicOf(facts.operatorIssuer)) },
  };
}

/** Throws KeysError `READABLE_BY_OTHERS`. */
export async function checkMode(dir: string): Promise<void> {
  const mode = (await stat(dir)).mode & 0o077;
  if (mode !== 0) throw new KeysError("READABLE_BY_OTHERS", `${dir} may be read by others; run chmod 0700 on it`);
}

/** The key in a certificate (DER). */
export function publicOf(certificate: Uint8Array): KeyObject {
  return new X509Certificate(certificate).publicKey;
}
