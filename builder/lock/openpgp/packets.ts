import { concatBytes, utf8 } from "../../../proto/wire/bytes.ts";

/** RFC 9580 numbers that we write: version 4 keys, EdDSA over Ed25519 in its older form, which gpgv of Debian 12 knows too. */
export const PGP = { publicKey: 6, userId: 13, signature: 2, eddsa: 22, sha512: 10 } as const;

/** Big-endian number of 1, 2 or 4 bytes. */
export function octets(value: number, size: 1 | 2 | 4): Uint8Array {
  const out = new Uint8Array(size);
  for (let at = size - 1, rest = value; at >= 0; at -= 1, rest = Math.floor(rest / 256)) out[at] = rest % 256;
  return out;
}

/** A packet with a header of the new format and a five-octet length (RFC 9580 §4.2.1). */
export function packet(tag: number, ...body: readonly Uint8Array[]): Uint8Array {
  const all = concatBytes(...body);
  return concatBytes(octets(0xc0 | tag, 1), octets(0xff, 1), octets(all.length, 4), all);
}

/** A subpacket of a signature; its length, type included, must be below 192 (RFC 9580 §5.2.3.7). */
export function subpacket(type: number, ...body: readonly Uint8Array[]): Uint8Array {
  const all = concatBytes(...body);
  if (all.length + 1 >= 192) throw new RangeError("a subpacket of ours is short");
  return concatBytes(octets(all.length + 1, 1), octets(type, 1), all);
}

/** A multiprecision integer: its length in bits, then its bytes without leading zeros (RFC 9580 §3.2). */
export function integer(value: Uint8Array): Uint8Array {
  const start = value.findIndex((byte) => byte !== 0);
  const bytes = start < 0 ? new Uint8Array() : value.subarray(start);
  const bits = bytes.length === 0 ? 0 : bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24;
  return concatBytes(octets(bits, 2), bytes);
}

/** ASCII armour with its checksum (RFC 9580 §6), which older programs insist on. */
export function armour(kind: string, data: Uint8Array): string {
  const lines = Buffer.from(data).toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN PGP ${kind}-----`, "", ...lines, `=${Buffer.from(crc24(data)).toString("base64")}`, `-----END PGP ${kind}-----`, ""].join("\n");
}

function crc24(data: Uint8Array): Uint8Array {
  let crc = 0xb704ce;
  for (const byte of data) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ ((crc & 0x800000) === 0 ? 0 : 0x1864cfb);
  }
  return octets(crc & 0xffffff, 4).subarray(1);
}

/** UTF-8 with a four-octet length before it, as a certification hashes a user ID (RFC 9580 §5.2.4). */
export function hashedUserId(userId: string): Uint8Array {
  const bytes = utf8(userId);
  return concatBytes(octets(0xb4, 1), octets(bytes.length, 4), bytes);
}
