import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { z } from "zod";
import { PLANES, type PlaneName } from "../../proto/evidence/claims.ts";
import { certificatesToPem } from "../../proto/pki/pem.ts";
import { issueSelfSigned } from "../../proto/pki/self-signed.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { fromHex } from "../../proto/wire/hex.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { base64Text } from "../../proto/wire/text.ts";
import { PATHS } from "../paths.ts";
import type { Clock, Entropy, Files } from "../ports.ts";

const MAX_KEYS_BYTES = 16 * 1024;
/** RFC 8410 §7: a PKCS #8 X25519 private key is this and 32 bytes. */
const X25519_PKCS8 = fromHex("302e020100300506032b656e04220420");
const YEAR_MS = 365 * 86_400_000;

/** A WireGuard key pair, base64 as `wg` has it. */
export interface WireguardKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** The keys of this boot (DESIGN §2.3): they live in memory and on a tmpfs, and the claims bind them. */
export interface NodeKeys {
  /** PKCS #8 in PEM. */
  readonly tlsKey: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly tlsSpki: Uint8Array;
  /** Self-signed certificate over the key, PEM: what the node shows before it has an identity. */
  readonly certificate: string;
  readonly wireguard: Readonly<Record<PlaneName, WireguardKey>>;
  /** They were made after this fork of the virtual machine ({@link VmForks}), and no copy of it has them. */
  readonly fork: string;
}

const wireguardKey = z.strictObject({ privateKey: base64Text(32), publicKey: base64Text(32) });
const fileSchema = z.strictObject({
  kind: z.literal("kubedos/node-keys"),
  version: z.literal(1),
  bootId: z.uuid(),
  tlsKey: z.string().max(2048),
  certificate: z.string().max(4096),
  wireguard: z.strictObject({ wg1: wireguardKey, wg2: wireguardKey, wg3: wireguardKey }),
  fork: z.string().max(32),
});

/** What new keys are made of and for. */
export interface KeySource {
  readonly files: Files;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly bootId: string;
  /** The image's epoch, in seconds. */
  readonly epoch: number;
  /** The last known fork of this machine. */
  readonly fork: string;
}

/**
 * The keys of this boot: those on file, or new ones. On file so that an agent that was killed comes back as the same
 * identity; a file of another boot, or a broken one, is replaced.
 */
export async function loadNodeKeys({ files, clock, entropy, bootId, epoch, fork }: KeySource): Promise<NodeKeys> {
  const stored = await readStored(files, bootId);
  if (stored !== null) return { ...stored, tlsSpki: spkiOf(createPrivateKey(stored.tlsKey)) };
  const keys = makeNodeKeys(clock, entropy, epoch);
  const { tlsKey, certificate, wireguard } = keys;
  const file = { kind: "kubedos/node-keys", version: 1, bootId, tlsKey, certificate, wireguard, fork };
  await files.write(PATHS.keys, canonicalJson(file), { mode: 0o600 });
  return { ...keys, fork };
}

async function readStored(files: Files, bootId: string): Promise<z.output<typeof fileSchema> | null> {
  const data = await files.read(PATHS.keys, MAX_KEYS_BYTES);
  if (data === null) return null;
  try {
    const stored = parseJson(fileSchema, data, MAX_KEYS_BYTES);
    return stored.bootId === bootId ? stored : null;
  } catch {
    return null;
  }
}

function makeNodeKeys(clock: Clock, entropy: Entropy, epoch: number): Omit<NodeKeys, "fork"> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = Math.max(clock.now().getTime(), epoch * 1000);
  const certificate = issueSelfSigned({
    key: privateKey,
    subjectKey: privateKey,
    // From the image's epoch: the hub's clock may be behind ours, and an earlier date gives nothing to anybody.
    notBefore: new Date(epoch * 1000),
    notAfter: new Date(now + YEAR_MS),
    serial: entropy.bytes(16),
  });
  const [wg1, wg2, wg3] = PLANES.map(() => makeWireguardKey(entropy.bytes(32)));
  if (wg1 === undefined || wg2 === undefined || wg3 === undefined) throw new Error("three planes have three keys");
  return {
    tlsKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    tlsSpki: spkiOf(privateKey),
    certificate: certificatesToPem(certificate),
    wireguard: { wg1, wg2, wg3 },
  };
}

/** 32 random bytes → key pair. Clamped here (RFC 7748 §5), as the kernel would, so that both show the same key. */
export function makeWireguardKey(seed: Uint8Array): WireguardKey {
  const secret = Uint8Array.from(seed);
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  const der = Buffer.from(concatBytes(X25519_PKCS8, secret));
  const { x } = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" })).export({ format: "jwk" });
  if (x === undefined) throw new Error("an X25519 public key has a coordinate");
  return { privateKey: toBase64(secret), publicKey: toBase64(new Uint8Array(Buffer.from(x, "base64url"))) };
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
}
