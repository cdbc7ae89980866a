import { createCipheriv } from "node:crypto";
import { concatBytes } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { ByteWriter } from "../wire/writer.ts";
import { ALG, hashSize } from "./alg.ts";
import { hmac, kdfa } from "./kdf.ts";
import { parsePublic, type TpmPublic } from "./public.ts";
import { type Entropy, protectSeed } from "./seed.ts";

/** Purpose that separates this seed from those of duplication and salted sessions. */
const USE = "IDENTITY";

/** What TPM2_ActivateCredential takes: contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, without their sizes. */
export interface Credential {
  readonly credentialBlob: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

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

  const { seed, encryptedSecret } = protectSeed(ek, USE, args.entropy);
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
