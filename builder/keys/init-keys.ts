import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { issueIntermediate, issueRoot } from "../../proto/pki/issue.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { certificatesToPem } from "../../proto/pki/pem.ts";
import { KeysError } from "./error.ts";
import { makeFirmwareCertificate } from "./firmware-certificate.ts";
import type { KeysManifest } from "./manifest.ts";
import { KEY_FILES } from "./files.ts";

/** Shorter ones are found by trying. */
const MIN_PASSPHRASE = 8;
/** Firmware ignores these dates; the root outlives any cluster built on it. */
const YEARS = 20;

/** What {@link initKeys} makes. */
export interface InitKeysRequest {
  /** Must not exist, or be empty. */
  readonly dir: string;
  readonly cluster: string;
  readonly passphrase: string;
  readonly now: Date;
}

/**
 * Makes a cluster's key directory (DESIGN §2.1): PK, KEK, db (RSA-2048), release (Ed25519), PCR policies (RSA-2048), root CA and operator issuer
 * (P-256). Private keys are PKCS#8 under the passphrase. All or nothing, and nothing is overwritten. Throws KeysError.
 */
export async function initKeys(request: InitKeysRequest): Promise<KeysManifest> {
  if (request.passphrase.length < MIN_PASSPHRASE) throw new KeysError("POOR_PASSPHRASE", `the passphrase has less than ${MIN_PASSPHRASE} characters`);
  const dir = resolve(request.dir);
  if (existsSync(join(dir, KEY_FILES.manifest))) throw new KeysError("EXISTS", `${request.dir} holds keys already`);
  await mkdir(dirname(dir), { recursive: true });
  const temp = await mkdtemp(`${dir}.making-`);
  try {
    const { files, manifest } = await makeAll(request);
    for (const [name, text] of files) await writeFile(join(temp, name), text, { mode: name.endsWith(".key") ? 0o600 : 0o644 });
    await rename(temp, dir).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === "ENOTEMPTY" || cause.code === "ENOTDIR" ? new KeysError("EXISTS", `${request.dir} exists and is not empty`, { cause }) : cause;
    });
    return manifest;
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function makeAll(request: InitKeysRequest): Promise<{ files: readonly [string, string][]; manifest: KeysManifest }> {
  const { cluster, now } = request;
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + YEARS);
  const validity = { notBefore: now, notAfter };
  const pem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: request.passphrase }).toString();
  const firmware = async (about: string) => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const serial = `40${toHex(randomBytes(15))}`;
    return { key: privateKey, der: await makeFirmwareCertificate({ commonName: `kubedos ${about} ${cluster}`, key: privateKey, serial, ...validity }) };
  };
  const [pk, kek, db] = [await firmware("PK"), await firmware("KEK"), await firmware("db")];
  const release = generateKeyPairSync("ed25519");
  // RSA: a TPM has to check its signatures, and not every one can check Ed25519.
  const policy = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const p256 = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const [rootKey, operatorKey] = [p256(), p256()];
  const root = await issueRoot({ ...validity, serial: randomBytes(16), cluster, subjectKey: rootKey, key: rootKey });
  const issuer = { certificate: root, key: rootKey };
  const operatorIssuer = await issueIntermediate({ ...validity, serial: randomBytes(16), cluster, role: "operator", subjectKey: operatorKey, issuer });
  const manifest: KeysManifest = {
    kind: "kubedos/keys",
    version: 1,
    cluster,
    owner: randomUUID(),
    certificates: { pk: digest(pk.der), kek: digest(kek.der), db: digest(db.der), root: digest(root), operatorIssuer: digest(operatorIssuer) },
    releaseKey: toBase64(release.publicKey.export({ type: "spki", format: "der" })),
    policyKey: toBase64(policy.publicKey.export({ type: "spki", format: "der" })),
  };
  const files: [string, string][] = [
    [KEY_FILES.pkKey, pem(pk.key)],
    [KEY_FILES.pk, certificatesToPem(pk.der)],
    [KEY_FILES.kekKey, pem(kek.key)],
    [KEY_FILES.kek, certificatesToPem(kek.der)],
    [KEY_FILES.dbKey, pem(db.key)],
    [KEY_FILES.db, certificatesToPem(db.der)],
    [KEY_FILES.releaseKey, pem(release.privateKey)],
    [KEY_FILES.policyKey, pem(policy.privateKey)],
    [KEY_FILES.rootKey, pem(rootKey)],
    [KEY_FILES.root, certificatesToPem(root)],
    [KEY_FILES.operatorIssuerKey, pem(operatorKey)],
    [KEY_FILES.operatorIssuer, certificatesToPem(operatorIssuer)],
    [KEY_FILES.manifest, `${JSON.stringify(manifest, null, 2)}\n`],
  ];
  return { files, manifest };
}

function digest(der: Uint8Array): string {
  return toHex(sha256(der));
}
