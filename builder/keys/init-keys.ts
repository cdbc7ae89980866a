import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { certificatesToPem } from "../../proto/pki/pem.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { beginLog } from "../sign/signing-log.ts";
import { KeysError } from "./error.ts";
import { fileBox } from "./file-box.ts";
import { KEY_FILES } from "./files.ts";
import { exportSpki } from "./import-spki.ts";
import type { KeyBox } from "./key-box.ts";
import { makeFirmwareKey, makeRoot } from "./make-key.ts";
import type { KeysManifest } from "./manifest.ts";
import type { PrivateKey } from "./private-key.ts";
import { tokenBox } from "./token/token-box.ts";
import type { TokenAccess } from "./token/run-openssl.ts";

/** Shorter ones are found by trying. */
const MIN_PASSPHRASE = 8;

/** What {@link initKeys} makes. */
export interface InitKeysRequest {
  /** Must not exist, or be empty. */
  readonly dir: string;
  readonly cluster: string;
  /** Encrypts the private keys; for keys in a token it isn't used. */
  readonly passphrase: string;
  /** Makes the private keys in this token instead of files. */
  readonly token?: TokenAccess;
  readonly now: Date;
}

/**
 * Makes a cluster's key directory (DESIGN §2.1): PK, KEK, db, PCR policies (RSA-2048), release (Ed25519), root CA and operator
 * issuer (P-256). Private keys are PKCS#8 under the passphrase, or in a token. All or nothing, and nothing is overwritten. Throws KeysError.
 */
export async function initKeys(request: InitKeysRequest): Promise<KeysManifest> {
  const { cluster, passphrase, token } = request;
  if (token === undefined && passphrase.length < MIN_PASSPHRASE) throw new KeysError("POOR_PASSPHRASE", `the passphrase has less than ${MIN_PASSPHRASE} characters`);
  const dir = resolve(request.dir);
  if (existsSync(join(dir, KEY_FILES.manifest))) throw new KeysError("EXISTS", `${request.dir} holds keys already`);
  await mkdir(dirname(dir), { recursive: true });
  const temp = await mkdtemp(`${dir}.making-`);
  try {
    const box = token === undefined ? fileBox(temp, passphrase) : tokenBox(token, cluster, {});
    const { files, manifest, releaseKey } = await makeAll(box, request);
    for (const [name, text] of files) await writeFile(join(temp, name), text, { mode: modeOf(name) });
    await beginLog(temp, releaseKey);
    await rename(temp, dir).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === "ENOTEMPTY" || cause.code === "ENOTDIR" ? new KeysError("EXISTS", `${request.dir} exists and is not empty`, { cause }) : cause;
    });
    return manifest;
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function makeAll(box: KeyBox, origin: InitKeysRequest): Promise<{ files: ReadonlyMap<string, string>; manifest: KeysManifest; releaseKey: PrivateKey }> {
  const [pk, kek, db] = [await makeFirmwareKey(box, "pk", origin), await makeFirmwareKey(box, "kek", origin), await makeFirmwareKey(box, "db", origin)];
  const releaseKey = await box.make("release");
  // RSA: a TPM has to check its signatures, and not every one can check Ed25519.
  const policyKey = await box.make("policy");
  const { root, operatorIssuer } = await makeRoot(box, origin);
  const certificates = { pk, kek, db, root, operatorIssuer };
  const manifest: KeysManifest = {
    kind: "kubedos/keys",
    version: 1,
    cluster: origin.cluster,
    owner: randomUUID(),
    certificates: { pk: digestOf(pk), kek: digestOf(kek), db: digestOf(db), root: digestOf(root), operatorIssuer: digestOf(operatorIssuer) },
    releaseKey: toBase64(exportSpki(releaseKey.publicKey)),
    policyKey: toBase64(exportSpki(policyKey.publicKey)),
  };
  const pems = Object.entries(certificates).map(([name, der]): [string, string] => [KEY_FILES[name as keyof typeof certificates], certificatesToPem(der)]);
  return { files: new Map([...box.files(), ...pems, [KEY_FILES.manifest, encodeManifest(manifest)]]), manifest, releaseKey };
}

/** SHA-256 of a certificate, as `keys.json` names it. */
export function digestOf(der: Uint8Array): string {
  return toHex(sha256(der));
}

/** `keys.json` as text. */
export function encodeManifest(manifest: KeysManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Mode of a file in a key directory: private keys are their owner's alone, and so is where a token is. */
export function modeOf(name: string): number {
  return name.endsWith(".key") || name === KEY_FILES.token ? 0o600 : 0o644;
}
