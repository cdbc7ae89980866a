import { createCipheriv, createECDH } from "node:crypto";
import { concatBytes } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { ByteWriter } from "../wire/writer.ts";
import { ALG, hashSize } from "./alg.ts";
import { type Curve, curveOf } from "./curve.ts";
import { hmac, kdfa, kdfe, terminated } from "./kdf.ts";
import { encryptOaep } from "./oaep.ts";
import { type EccPublic, leftPad, parsePublic, publicKeyObject, type RsaPublic, type TpmPublic } from "./public.ts";

/** Purpose that separates this seed from those of duplication and salted sessions. */
const USE = "IDENTITY";

/** What TPM2_ActivateCredential takes: contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, without their sizes. */
export interface Credential {
  readonly credentialBlob: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/** Source of secret random bytes. Its quality is the whole secrecy of the credential. */
export type Entropy = (bytes: number) => Uint8Array;

/**
 * TPM2_MakeCredential in software (Part 1, 24): only the TPM that holds the EK's private part gives `secret` back, and
 * only while a key with exactly the Name `akName` is loaded beside it.
 *
 * `ekPublic` is a TPMT_PUBLIC; `akName` is made by nameOf from the AK's bytes, not taken from a message; `secret` has 1
 * byte up to the EK's name digest. Throws WireError `BAD_VALUE` if the EK is no restricted decryption key bound to its
 * TPM (RSA-2048 to 4096, P-256 or P-384), RangeError on a secret or a Name of the wrong length.
 */
export function makeCredential(args: {
  readonly ekPublic: Uint8Array;
  readonly akName: Uint8Array;
  readonly secret: Uint8Array;
  readonly entropy: Entropy;
}): Credential {
  const ek = parsePublic(args.ekPublic);
  const bits = protectorBits(ek);
  const hash = ek.nameAlg;
  if (args.secret.length < 1 || args.secret.length > hashSize(hash)) {
    throw new RangeError(`a secret of ${args.secret.length} bytes, 1 to ${hashSize(hash)} are possible`);
  }
  if (args.akName.length < 22 || args.akName.length > 66) throw new RangeError("akName is not a Name");

  const { seed, encryptedSecret } = ek.type === "rsa" ? rsaSeed(ek, args.entropy) : eccSeed(ek, args.entropy);
  const cipherKey = kdfa({ hash, key: seed, label: "STORAGE", contextU: args.akName, bits });
  const macKey = kdfa({ hash, key: seed, label: "INTEGRITY", bits: hashSize(hash) * 8 });
  // The seed is fresh each time, so a fixed IV never meets the same key twice.
  const cipher = createCipheriv(`aes-${bits}-cfb`, cipherKey, new Uint8Array(16));
  const plain = new ByteWriter().sized16be(args.secret).done();
  const encIdentity = concatBytes(cipher.update(plain), cipher.final());
  const integrity = hmac(hash, macKey, concatBytes(encIdentity, args.akName));
  return { credentialBlob: new ByteWriter().sized16be(integrity).bytes(encIdentity).done(), encryptedSecret };
}

/** Bits of the EK's cipher, once it is clear that the EK can be trusted to open credentials and do nothing else. */
function protectorBits(ek: TpmPublic): number {
  const { restricted, decrypt, sign, fixedTPM, fixedParent } = ek.attributes;
  if (!restricted || !decrypt || sign || !fixedTPM || !fixedParent) {
    throw new WireError("BAD_VALUE", "the EK is not a restricted decryption key that is bound to its TPM");
  }
  if (ek.symmetric === null) throw new WireError("BAD_VALUE", "the EK has no symmetric cipher");
  if (ek.nameAlg !== ALG.SHA256 && ek.nameAlg !== ALG.SHA384 && ek.nameAlg !== ALG.SHA512) {
    throw new WireError("BAD_VALUE", "the EK's name algorithm is not of the SHA-2 family");
  }
  if (ek.type === "rsa" && ek.keyBits < 2048) throw new WireError("BAD_VALUE", `the EK has ${ek.keyBits} bits`);
  return ek.symmetric.bits;
}

interface ProtectedSeed {
  readonly seed: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/** Part 1, B.10.4: a random seed of the name digest's size under OAEP with the EK's name hash. */
function rsaSeed(ek: RsaPublic, entropy: Entropy): ProtectedSeed {
  const size = hashSize(ek.nameAlg);
  const seed = draw(entropy, size);
  const encryptedSecret = encryptOaep({
    key: publicKeyObject(ek),
    modulusBytes: ek.modulus.length,
    hash: ek.nameAlg,
    label: terminated(USE),
    message: seed,
    seed: draw(entropy, size),
  });
  return { seed, encryptedSecret };
}

/** Part 1, C.6.4: one-pass Diffie-Hellman with a key used once. */
function eccSeed(ek: EccPublic, entropy: Entropy): ProtectedSeed {
  const curve = curveOf(ek.curve);
  if (curve.ecdh === undefined) throw new WireError("BAD_VALUE", `EKs over ${ek.curve} are not supported`);
  publicKeyObject(ek); // refuses a point off the curve before a private key meets it
  const peerX = leftPad(ek.x, curve.size);
  const ecdh = createECDH(curve.ecdh);
  ecdh.setPrivateKey(privateScalar(curve, entropy));
  const z = new Uint8Array(ecdh.computeSecret(concatBytes(Uint8Array.of(4), peerX, leftPad(ek.y, curve.size))));
  const point = new Uint8Array(ecdh.getPublicKey());
  const x = point.subarray(1, 1 + curve.size);
  const y = point.subarray(1 + curve.size);
  const seed = kdfe({ hash: ek.nameAlg, z, use: USE, partyU: x, partyV: peerX, bits: hashSize(ek.nameAlg) * 8 });
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
