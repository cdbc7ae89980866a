import { createPublicKey, type KeyObject, sign } from "node:crypto";

/** A private key, wherever it is. */
export interface PrivateKey {
  readonly publicKey: KeyObject;
  /**
   * Signs the message by the one scheme of the key's type: RSA by RSASSA-PKCS1-v1_5 with SHA-256, Ed25519, P-256 by ECDSA
   * with SHA-256 as DER. Rejects where the key can't be reached.
   */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A private key in this process's memory. */
export function memoryKey(key: KeyObject): PrivateKey {
  const publicKey = createPublicKey(key);
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return {
    publicKey,
    async sign(message) {
      return new Uint8Array(sign(hash, message, key));
    },
  };
}
