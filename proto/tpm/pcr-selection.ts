import { WireError } from "../wire/error.ts";
import type { ByteReader } from "../wire/reader.ts";
import { ByteWriter } from "../wire/writer.ts";
import { type HashAlg, hashName, readHashAlg } from "./alg.ts";

/** A PC Client TPM has 24 PCRs, so a selection has three bytes. */
const SELECT_BYTES = 3;
/** Number of PCRs; indices run from 0 to 23. */
export const PCR_COUNT = 24;
/** All of them. */
export const ALL_PCRS: readonly number[] = Array.from({ length: PCR_COUNT }, (_, pcr) => pcr);
/** HASH_COUNT of the reference implementation is below this. */
const MAX_BANKS = 16;

/** PCRs of one bank (TPMS_PCR_SELECTION), ascending and distinct. */
export interface PcrSelection {
  readonly hash: HashAlg;
  readonly pcrs: readonly number[];
}

/**
 * Reads TPML_PCR_SELECTION (Part 2, 10.9.7). Refused with WireError: a bank named twice, a selection of other than three
 * bytes (so no PCR over 23), an unknown hash. An empty list and an empty bank are reported as they are.
 */
export function readPcrSelections(r: ByteReader): PcrSelection[] {
  const count = r.u32be();
  if (count > MAX_BANKS) throw new WireError("TOO_LARGE", `${count} PCR banks, at most ${MAX_BANKS} are allowed`);
  const selections: PcrSelection[] = [];
  for (let i = 0; i < count; i++) {
    const hash = readHashAlg(r);
    if (selections.some((s) => s.hash === hash)) throw new WireError("BAD_VALUE", `PCR bank ${hashName(hash)} twice`);
    const size = r.u8();
    if (size !== SELECT_BYTES) throw new WireError("BAD_VALUE", `PCR selection of ${size} bytes instead of 3`);
    selections.push({ hash, pcrs: indices(r.bytes(size)) });
  }
  return selections;
}

function indices(bits: Uint8Array): number[] {
  const pcrs: number[] = [];
  for (let i = 0; i < PCR_COUNT; i++) if (((bits[i >> 3] ?? 0) & (1 << (i & 7))) !== 0) pcrs.push(i);
  return pcrs;
}

/** TPML_PCR_SELECTION bytes of selections that we ask for. Throws RangeError on an index over 23. */
export function marshalPcrSelections(selections: readonly PcrSelection[]): Uint8Array {
  const w = new ByteWriter().u32be(selections.length);
  for (const { hash, pcrs } of selections) {
    const bits = new Uint8Array(SELECT_BYTES);
    for (const pcr of pcrs) {
      assertPcrIndex(pcr);
      bits[pcr >> 3] = (bits[pcr >> 3] ?? 0) | (1 << (pcr & 7));
    }
    w.u16be(hash).u8(SELECT_BYTES).bytes(bits);
  }
  return w.done();
}

/** Throws RangeError unless `index` is a PCR of a PC Client TPM. */
export function assertPcrIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= PCR_COUNT) throw new RangeError(`there is no PCR ${index}`);
}
