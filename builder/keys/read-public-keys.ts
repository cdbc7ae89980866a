import { type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBase64 } from "../../proto/wire/base64.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { KeysError } from "./error.ts";
import { KEY_FILES } from "./files.ts";
import { finishRotation } from "./finish-rotation.ts";
import { importSpki } from "./import-spki.ts";
import { type KeysManifest, parseManifest } from "./manifest.ts";

/** The public half of a key directory; certificates are DER. */
export interface PublicKeys {
  readonly cluster: string;
  /** GUID text, see {@link KeysManifest}. */
  readonly owner: string;
  readonly pk: Uint8Array;
  readonly kek: Uint8Array;
  readonly db: Uint8Array;
  readonly root: Uint8Array;
  readonly operatorIssuer: Uint8Array;
  /** Ed25519: the newest one. */
  readonly releaseKey: KeyObject;
  /** What documents of the cluster are signed by, the newest first; two after a rotation. */
  readonly releaseKeys: readonly KeyObject[];
  /** RSA-2048. */
  readonly policyKey: KeyObject;
  readonly manifest: KeysManifest;
}

/** Reads what needs no passphrase, and checks that the files belong together. Finishes a rotation that was interrupted. Throws KeysError. */
export async function readPublicKeys(dir: string): Promise<PublicKeys> {
  await finishRotation(dir);
  const manifest = await readManifest(dir);
  const certificate = async (name: keyof KeysManifest["certificates"]) => {
    const der = await readCertificate(join(dir, KEY_FILES[name]));
    if (toHex(sha256(der)) !== manifest.certificates[name]) throw new KeysError("DAMAGED", `${KEY_FILES[name]} is not the certificate that keys.json names`);
    return der;
  };
  const [pk, kek, db, root, operatorIssuer] = await Promise.all([certificate("pk"), certificate("kek"), certificate("db"), certificate("root"), certificate("operatorIssuer")]);
  const importKey = (text: string): KeyObject => importSpki(fromBase64(text));
  const [releaseKey, policyKey] = [importKey(manifest.releaseKey), importKey(manifest.policyKey)];
  const previous = manifest.previousReleaseKey;
  const releaseKeys = [releaseKey, ...(previous === undefined ? [] : [importKey(previous)])];
  return { cluster: manifest.cluster, owner: manifest.owner, pk, kek, db, root, operatorIssuer, releaseKey, releaseKeys, policyKey, manifest };
}

async function readManifest(dir: string): Promise<KeysManifest> {
  const data = await readFile(join(dir, KEY_FILES.manifest)).catch((cause: unknown) => {
    throw new KeysError("NOT_FOUND", `${dir} holds no keys`, { cause });
  });
  try {
    return parseManifest(data);
  } catch (cause) {
    throw new KeysError("DAMAGED", `${join(dir, KEY_FILES.manifest)} can't be read`, { cause });
  }
}

async function readCertificate(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(new X509Certificate(await readFile(path)).raw);
  } catch (cause) {
    throw new KeysError("DAMAGED", `${path} is no certificate`, { cause });
  }
}
