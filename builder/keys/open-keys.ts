import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Issuer } from "../../proto/pki/issue.ts";
import { KeysError } from "./error.ts";
import { KEY_FILES } from "./files.ts";
import { memoryKey, type PrivateKey } from "./private-key.ts";
import { type PublicKeys, readPublicKeys } from "./read-public-keys.ts";

/** A key directory that was opened: what the build host signs with. */
export interface OpenKeys extends PublicKeys {
  /** RSA, signs UKIs. */
  readonly dbKey: PrivateKey;
  /** Ed25519, sign releases, deliveries and pins; in the order of `releaseKeys`. */
  readonly releaseSigningKeys: readonly PrivateKey[];
  readonly rootIssuer: Issuer;
  readonly operatorIssuerKeys: Issuer;
}

/** Decrypts the signing keys and checks that each belongs to its certificate. PK and KEK stay closed: only a rotation needs them. Throws KeysError. */
export async function openKeys(dir: string, passphrase: string): Promise<OpenKeys> {
  const facts = await readPublicKeys(dir);
  await checkMode(dir);
  const open = async (file: string, spki: KeyObject) => await openKey(join(dir, file), passphrase, spki);
  const releaseSigningKeys: PrivateKey[] = [];
  for (const [i, spki] of facts.releaseKeys.entries()) releaseSigningKeys.push(await open(i === 0 ? KEY_FILES.releaseKey : KEY_FILES.previousReleaseKey, spki));
  return {
    ...facts,
    dbKey: await open(KEY_FILES.dbKey, publicOf(facts.db)),
    releaseSigningKeys,
    rootIssuer: { certificate: facts.root, key: await open(KEY_FILES.rootKey, publicOf(facts.root)) },
    operatorIssuerKeys: { certificate: facts.operatorIssuer, key: await open(KEY_FILES.operatorIssuerKey, publicOf(facts.operatorIssuer)) },
  };
}

/** Throws KeysError `READABLE_BY_OTHERS`. */
export async function checkMode(dir: string): Promise<void> {
  const mode = (await stat(dir)).mode & 0o077;
  if (mode !== 0) throw new KeysError("READABLE_BY_OTHERS", `${dir} may be read by others; run chmod 0700 on it`);
}

/** One private key of a directory, if it is that of `spki`. Throws KeysError. */
export async function openKey(path: string, passphrase: string, spki: KeyObject): Promise<PrivateKey> {
  const pem = await readFile(path).catch((cause: unknown) => {
    throw new KeysError("DAMAGED", `${path} can't be read`, { cause });
  });
  let key: PrivateKey;
  try {
    key = memoryKey(createPrivateKey({ key: pem, format: "pem", passphrase }));
  } catch (cause) {
    throw new KeysError("WRONG_PASSPHRASE", `the passphrase doesn't open ${path}`, { cause });
  }
  if (!key.publicKey.equals(spki)) throw new KeysError("DAMAGED", `${path} is not the key that keys.json names`);
  return key;
}

/** The key in a certificate (DER). */
export function publicOf(certificate: Uint8Array): KeyObject {
  return new X509Certificate(certificate).publicKey;
}
