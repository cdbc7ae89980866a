import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Issuer } from "../../proto/pki/issue.ts";
import { KeysError } from "./error.ts";
import { KEY_FILES } from "./files.ts";
import { type PublicKeys, readPublicKeys } from "./read-public-keys.ts";

/** A key directory that was opened: what the build host signs with. PK and KEK stay closed; nothing of ours uses them. */
export interface OpenKeys extends PublicKeys {
  /** RSA, signs UKIs. */
  readonly dbKey: KeyObject;
  /** Ed25519, signs releases, deliveries and pins. */
  readonly releaseSigningKey: KeyObject;
  /** RSA, approves PCR policies. */
  readonly policySigningKey: KeyObject;
  readonly rootIssuer: Issuer;
  readonly operatorIssuerKeys: Issuer;
}

/** Decrypts the signing keys and checks that each belongs to its certificate. Throws KeysError. */
export async function openKeys(dir: string, passphrase: string): Promise<OpenKeys> {
  const facts = await readPublicKeys(dir);
  const mode = (await stat(dir)).mode & 0o077;
  if (mode !== 0) throw new KeysError("READABLE_BY_OTHERS", `${dir} may be read by others; run chmod 0700 on it`);
  const open = (file: string, spki: KeyObject) => openKey(join(dir, file), passphrase, spki);
  return {
    ...facts,
    dbKey: await open(KEY_FILES.dbKey, publicOf(facts.db)),
    releaseSigningKey: await open(KEY_FILES.releaseKey, facts.releaseKey),
    policySigningKey: await open(KEY_FILES.policyKey, facts.policyKey),
    rootIssuer: { certificate: facts.root, key: await open(KEY_FILES.rootKey, publicOf(facts.root)) },
    operatorIssuerKeys: { certificate: facts.operatorIssuer, key: await open(KEY_FILES.operatorIssuerKey, publicOf(facts.operatorIssuer)) },
  };
}

async function openKey(path: string, passphrase: string, spki: KeyObject): Promise<KeyObject> {
  const pem = await readFile(path).catch((cause: unknown) => {
    throw new KeysError("DAMAGED", `${path} can't be read`, { cause });
  });
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: "pem", passphrase });
  } catch (cause) {
    throw new KeysError("WRONG_PASSPHRASE", `the passphrase doesn't open ${path}`, { cause });
  }
  if (!createPublicKey(key).equals(spki)) throw new KeysError("DAMAGED", `${path} is not the key that keys.json names`);
  return key;
}

function publicOf(certificate: Uint8Array): KeyObject {
  return new X509Certificate(certificate).publicKey;
}
