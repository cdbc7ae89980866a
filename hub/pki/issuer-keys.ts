import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { base64Text } from "../../proto/wire/text.ts";
import { writeDurably } from "../host/write-durably.ts";

/** The hub's two issuing keys, P-256, and the secrets by which it knows its own rows again. */
export interface IssuerKeys {
  readonly hub: KeyObject;
  readonly node: KeyObject;
  /** As old as the issuing keys: seals what an operator or a delivery has said. 32 bytes. */
  readonly storeKey: Uint8Array;
  /** Of this boot: seals {@link Leases}. 32 bytes. */
  readonly bootKey: Uint8Array;
}

/** Where keys lie: `lasting` is the data volume where there is one and else `run`, which ends with the boot. */
export interface KeyFolders {
  readonly lasting: string;
  /** On a tmpfs. */
  readonly run: string;
}

const keysSchema = z.strictObject({ hub: z.string().max(1024), node: z.string().max(1024) });
const bootSchema = z.strictObject({ key: base64Text(32) });
const KEYS_FILE = "issuer-keys.json";
const BOOT_FILE = "boot-key.json";

/**
 * The hub's keys, made at the first start and read back afterwards; mode 0600, the hub's own user. The issuing keys live as long as the
 * data volume, whose key is sealed to the TPM for approved boots of this role (DESIGN §2.14), or without one as long as the boot. Writes the
 * public halves to `issuers.json`, where the agent finds them for its claims.
 */
export function loadIssuerKeys({ lasting, run }: KeyFolders): IssuerKeys {
  const file = parseJson(keysSchema, findOrMake(join(lasting, KEYS_FILE), makeKeys), 8192);
  const boot = parseJson(bootSchema, findOrMake(join(run, BOOT_FILE), () => canonicalJson({ key: toBase64(randomBytes(32)) })), 8192);
  const hub = createPrivateKey(file.hub);
  const node = createPrivateKey(file.node);
  writeDurably(join(run, "issuers.json"), canonicalJson({ hub: toBase64(spkiOf(hub)), node: toBase64(spkiOf(node)) }), 0o644);
  const secret = createHash("sha256").update("kubedos-store-v1\0").update(node.export({ type: "pkcs8", format: "der" }));
  return { hub, node, storeKey: new Uint8Array(secret.digest()), bootKey: fromBase64(boot.key) };
}

/** SubjectPublicKeyInfo (DER) of a private key. */
export function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
}

function makeKeys(): Uint8Array {
  const make = (): string => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return canonicalJson({ hub: make(), node: make() });
}

function findOrMake(path: string, make: () => Uint8Array): Uint8Array {
  if (!existsSync(path)) writeDurably(path, make(), 0o600);
  return new Uint8Array(readFileSync(path));
}
