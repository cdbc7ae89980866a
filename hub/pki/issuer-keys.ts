import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { toBase64 } from "../../proto/wire/base64.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";

/** The hub's two issuing keys of this boot, P-256, and what their secrecy gives. */
export interface IssuerKeys {
  readonly hub: KeyObject;
  readonly node: KeyObject;
  /** Secret of this boot for {@link Leases}, 32 bytes. */
  readonly leaseKey: Uint8Array;
}

const keysSchema = z.strictObject({ hub: z.string().max(1024), node: z.string().max(1024) });
const KEYS_FILE = "issuer-keys.json";

/**
 * The issuing keys, made at the first start in a boot and read back after a restart within it. They lie in `runDir`
 * (tmpfs, mode 0600, the hub's own user), so they never reach a disk and end with the boot; an attacker who is root on the hub can
 * read them, and sealing them to the hub's TPM is what will take that from him. Writes the public halves to
 * `issuers.json`, where the agent finds them for its claims.
 */
export function loadIssuerKeys(runDir: string): IssuerKeys {
  const path = join(runDir, KEYS_FILE);
  if (!existsSync(path)) writeAtomically(path, makeKeys(), 0o600);
  const file = parseJson(keysSchema, new Uint8Array(readFileSync(path)), 8192);
  const hub = createPrivateKey(file.hub);
  const node = createPrivateKey(file.node);
  writeAtomically(join(runDir, "issuers.json"), canonicalJson({ hub: toBase64(spkiOf(hub)), node: toBase64(spkiOf(node)) }), 0o644);
  const secret = createHash("sha256").update("kubedos-lease-v1\0").update(node.export({ type: "pkcs8", format: "der" }));
  return { hub, node, leaseKey: new Uint8Array(secret.digest()) };
}

/** SubjectPublicKeyInfo (DER) of a private key. */
export function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
}

function makeKeys(): Uint8Array {
  const make = (): string => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return canonicalJson({ hub: make(), node: make() });
}

/** Readers see the old file or the whole new one, also when the power goes in between. */
function writeAtomically(path: string, data: Uint8Array, mode: number): void {
  const temporary = `${path}.tmp`;
  writeFileSync(temporary, data, { mode });
  renameSync(temporary, path);
}
