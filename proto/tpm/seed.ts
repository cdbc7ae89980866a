import { createECDH } from "node:crypto";
import { concatBytes } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { ByteWriter } from "../wire/writer.ts";
import { hashSize } from "./alg.ts";
import { type Curve, curveOf } from "./curve.ts";
import { kdfe, terminated } from "./kdf.ts";
import { encryptOaep } from "./oaep.ts";
import { type EccPublic, leftPad, publicKeyObject, type RsaPublic, type TpmPublic } from "./public.ts";

/** Source of secret random bytes. Its quality is the whole secrecy of what is protected by them. */
export type Entropy = (bytes: number) => Uint8Array;

/** A secret that only one TPM can open: the secret, and what travels (contents of TPM2B_ENCRYPTED_SECRET). */
export interface ProtectedSeed {
  readonly seed: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/**
 * A new secret of the key's name digest's size, for the TPM that holds the key (Part 1, B.10.3–4, C.6.3–4). `use` keeps secrets for
 * different purposes apart: "IDENTITY" for credentials, "SECRET" for salted sessions.
 */
export function protectSeed(key: TpmPublic, use: "IDENTITY" | "SECRET", entropy: Entropy): ProtectedSeed {
  return key.type === "rsa" ? rsaSeed(key, use, entropy) : eccSeed(key, use, entropy);
}

/** Part 1, B.10.4: a random seed of the name digest's size under OAEP with the key's name hash. */
function rsaSeed(key: RsaPublic, use: string, entropy: Entropy): ProtectedSeed {
  const size = hashSize(key.nameAlg);
  const seed = draw(entropy, size);
  const encryptedSecret = encryptOaep({
    key: publicKeyObject(key),
    modulusBytes: key.modulus.length,
    hash: key.nameAlg,
    label: terminated(use),
    message: seed,
    seed: draw(entropy, size),
  });
  return { seed, encryptedSecret };
}

/** Part 1, C.6.4: one-pass Diffie-Hellman with a key used once. */
function eccSeed(key: EccPublic, use: string, entropy: Entropy): ProtectedSeed {
  const curve = curveOf(key.curve);
  if (curve.ecdh === undefined) throw new WireError("BAD_VALUE", `no secret is shared with keys over ${key.curve}`);
  publicKeyObject(key); // refuses a point off the curve before a private key meets it
  const peerX = leftPad(key.x, curve.size);
  const ecdh = createECDH(curve.ecdh);
  ecdh.setPrivateKey(privateScalar(curve, entropy));
  const z = new Uint8Array(ecdh.computeSecret(concatBytes(Uint8Array.of(4), peerX, leftPad(key.y, curve.size))));
  const point = new Uint8Array(ecdh.getPublicKey());
  const x = point.subarray(1, 1 + curve.size);
  const y = point.subarray(1 + curve.size);
  const seed = kdfe({ hash: key.nameAlg, z, use, partyU: x, partyV: peerX, bits: hashSize(key.nameAlg) * 8 });
  return { seed, encryptedSecret: new ByteWriter().sized16be(x).sized16be(y).done() };
}

/** FIPS 186-5, A.2.1: 64 bits more than the order has, then reduced, so that no scalar is noticeably likelier. */
function privateScalar(curve: Curve, entropy: Entropy): Uint8Array {
  const wide = BigInt(`0x${Buffer.from(draw(entropy, curve.size + 8)).toString("hex")}`);
  const scalar = (wide % (curve.order - 1n)) + 1n;
  return new Uint8Array(Buffer.from(scalar.toString(16).padStart(curve.size * 2, "0"), "hex"));
}

function draw(entropy: Entropy, bytes: number): Uint8Array {
  const out = entropy(bytes);
  if (out.length !== bytes) throw new RangeError(`entropy gave ${out.length} bytes, ${bytes} were asked for`);
  return out;
}
