import type { HashAlg } from "../../proto/tpm/alg.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";

const MAX_BANKS = 16;
const LIST = 8;
const MAX_DIGEST = 64;

/**
 * PCR values as `tpm2_quote -o` writes them, bank by bank in the quote's order: C structures, little-endian. Plain values hold at most
 * eight for tpm2_checkquote.
 */
export function toolPcrs(banks: ReadonlyMap<HashAlg, ReadonlyMap<number, Uint8Array>>): Uint8Array {
  const w = new ByteWriter().u32le(banks.size);
  const values: Uint8Array[] = [];
  for (const [bank, pcrs] of banks) {
    const sorted = [...pcrs].sort(([a], [b]) => a - b);
    // Four bytes of selection, one of padding.
    w.u16le(bank).u8(3).u32le(sorted.reduce((sum, [pcr]) => sum | (1 << pcr), 0)).u8(0);
    values.push(...sorted.map(([, value]) => value));
  }
  w.bytes(new Uint8Array(8 * (MAX_BANKS - banks.size))).u32le(Math.ceil(values.length / LIST));
  for (let at = 0; at < values.length; at += LIST) {
    const list = values.slice(at, at + LIST);
    w.u32le(list.length);
    for (let i = 0; i < LIST; i++) {
      const value = list[i] ?? new Uint8Array(0);
      w.u16le(value.length).bytes(value).bytes(new Uint8Array(MAX_DIGEST - value.length));
    }
  }
  return w.done();
}
