import { createHmac } from "node:crypto";
import { concatBytes, utf8 } from "../wire/bytes.ts";
import { ByteWriter } from "../wire/writer.ts";
import { digest, hashName, type ShaAlg } from "./alg.ts";

/** HMAC with a hash of the TPM. */
export function hmac(hash: ShaAlg, key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac(hashName(hash), key).update(data).digest());
}

/**
 * KDFa (Part 1, 11.4.10.2): SP 800-108 in counter mode with HMAC over `counter ‖ label ‖ 00 ‖ contextU ‖ contextV ‖
 * bits`. `bits` is a multiple of 8.
 */
export function kdfa(args: {
  readonly hash: ShaAlg;
  readonly key: Uint8Array;
  readonly label: string;
  readonly contextU?: Uint8Array;
  readonly contextV?: Uint8Array;
  readonly bits: number;
}): Uint8Array {
  const none = new Uint8Array(0);
  const suffix = concatBytes(terminated(args.label), args.contextU ?? none, args.contextV ?? none, u32(args.bits));
  return counted(args.bits, (counter) => hmac(args.hash, args.key, concatBytes(counter, suffix)));
}

/**
 * KDFe (Part 1, 11.4.10.3): SP 800-56A over `counter ‖ Z ‖ use ‖ 00 ‖ partyU ‖ partyV`, where Z, partyU and partyV are
 * x-coordinates padded to the curve's size. `bits` is a multiple of 8.
 */
export function kdfe(args: {
  readonly hash: ShaAlg;
  readonly z: Uint8Array;
  readonly use: string;
  readonly partyU: Uint8Array;
  readonly partyV: Uint8Array;
  readonly bits: number;
}): Uint8Array {
  const suffix = concatBytes(args.z, terminated(args.use), args.partyU, args.partyV);
  return counted(args.bits, (counter) => digest(args.hash, counter, suffix));
}

function counted(bits: number, block: (counter: Uint8Array) => Uint8Array): Uint8Array {
  if (!Number.isInteger(bits) || bits <= 0 || bits % 8 !== 0) throw new RangeError(`can't derive ${bits} bits`);
  const parts: Uint8Array[] = [];
  for (let i = 1, have = 0; have < bits / 8; i++) {
    const part = block(u32(i));
    parts.push(part);
    have += part.length;
  }
  return concatBytes(...parts).subarray(0, bits / 8);
}

/** Labels carry their NUL into the hash. */
export function terminated(label: string): Uint8Array {
  return concatBytes(utf8(label), Uint8Array.of(0));
}

function u32(v: number): Uint8Array {
  return new ByteWriter().u32be(v).done();
}
