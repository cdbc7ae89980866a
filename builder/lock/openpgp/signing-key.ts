import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { concatBytes, utf8 } from "../../../proto/wire/bytes.ts";
import { armour, hashedUserId, integer, octets, packet, PGP, subpacket } from "./packets.ts";

/** A key that signs one repository and is forgotten: its private half never leaves this process. */
export interface SigningKey {
  /** The certificate, binary, as apt's Signed-By takes it. */
  readonly certificate: Uint8Array;
  /** Cleartext-signed form of a text (RFC 9580 §7): what an InRelease file is. */
  readonly clearSign: (text: string) => string;
}

const ED25519_OID = Uint8Array.of(9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01);
const [CANONICAL_TEXT, CERTIFICATION] = [0x01, 0x13];
/** May certify and sign. */
const KEY_FLAGS = 0x03;
const RAW_KEY = 32;

/** Makes an Ed25519 key in OpenPGP's form. `time`: seconds since 1970 that key and signatures say; verifiers refuse the future. */
export function makeSigningKey(userId: string, time: number): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const point = publicKey.export({ type: "spki", format: "der" }).subarray(-RAW_KEY);
  const body = concatBytes(octets(4, 1), octets(time, 4), octets(PGP.eddsa, 1), ED25519_OID, integer(concatBytes(octets(0x40, 1), point)));
  const hashedKey = concatBytes(octets(0x99, 1), octets(body.length, 2), body);
  const fingerprint = createHash("sha1").update(hashedKey).digest();

  /** A version 4 signature packet over `signed` (RFC 9580 §5.2.3, §5.2.4). */
  const signature = (type: number, signed: Uint8Array, ...more: readonly Uint8Array[]): Uint8Array => {
    const subpackets = concatBytes(subpacket(2, octets(time, 4)), subpacket(33, octets(4, 1), fingerprint), ...more);
    const hashed = concatBytes(octets(4, 1), octets(type, 1), octets(PGP.eddsa, 1), octets(PGP.sha512, 1), octets(subpackets.length, 2), subpackets);
    const digest = createHash("sha512").update(signed).update(hashed).update(Uint8Array.of(4, 0xff)).update(octets(hashed.length, 4)).digest();
    const made = sign(null, digest, privateKey);
    const issuer = subpacket(16, fingerprint.subarray(-8));
    return packet(PGP.signature, hashed, octets(issuer.length, 2), issuer, digest.subarray(0, 2), integer(made.subarray(0, 32)), integer(made.subarray(32)));
  };

  const self = signature(CERTIFICATION, concatBytes(hashedKey, hashedUserId(userId)), subpacket(27, octets(KEY_FLAGS, 1)));
  return {
    certificate: concatBytes(packet(PGP.publicKey, body), packet(PGP.userId, utf8(userId)), self),
    clearSign: (text) => {
      const lines = text.replace(/\n$/, "").split("\n").map((line) => line.trimEnd());
      const signed = signature(CANONICAL_TEXT, utf8(lines.join("\r\n")));
      const escaped = lines.map((line) => (line.startsWith("-") ? `- ${line}` : line));
      return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${escaped.join("\n")}\n${armour("SIGNATURE", signed)}`;
    },
  };
}
