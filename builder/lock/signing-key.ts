import { type Config, createCleartextMessage, enums, generateKey, sign } from "openpgp";

/** A key that signs one repository and is forgotten: its private half never leaves this process. */
export interface SigningKey {
  /** The certificate, binary, as apt's Signed-By takes it. */
  readonly certificate: Uint8Array;
  /** Cleartext-signed form of a text (RFC 9580 §7): what an InRelease file is. */
  readonly clearSign: (text: string) => Promise<string>;
}

/** What gpgv of Debian 12 understands too: version 4 keys, EdDSA in its older form. */
const CONFIG: Partial<Config> = { v6Keys: false, preferredHashAlgorithm: enums.hash.sha512, showComment: false, showVersion: false };

/** Makes an Ed25519 key in OpenPGP's form. `time`: seconds since 1970 that key and signatures say; verifiers refuse the future. */
export async function makeSigningKey(userId: string, time: number): Promise<SigningKey> {
  const date = new Date(time * 1000);
  const { privateKey, publicKey } = await generateKey({ type: "ecc", curve: "ed25519Legacy", userIDs: [{ name: userId }], subkeys: [], date, format: "object", config: CONFIG });
  return {
    certificate: publicKey.write(),
    clearSign: async (text) => {
      const signed: string = await sign({ message: await createCleartextMessage({ text }), signingKeys: privateKey, date, config: CONFIG });
      // The signature is over CRLF whatever the file has; apt's own parser wants plain lines.
      return signed.replaceAll("\r\n", "\n");
    },
  };
}
