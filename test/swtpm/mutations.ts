import { WireError } from "../../proto/wire/error.ts";

/** A copy with `bytes` written over what is at `offset`. */
export function overwrite(data: Uint8Array, offset: number, ...bytes: readonly number[]): Uint8Array {
  const copy = data.slice();
  copy.set(bytes, offset);
  return copy;
}

/** Lengths at which a prefix of `data` is not refused with WireError; a strict parser leaves none. */
export function acceptedTruncations(data: Uint8Array, parse: (data: Uint8Array) => unknown): number[] {
  return Array.from({ length: data.length }, (_, n) => n).filter((n) => {
    try {
      parse(data.subarray(0, n));
      return true;
    } catch (e) {
      if (e instanceof WireError) return false;
      throw e;
    }
  });
}
