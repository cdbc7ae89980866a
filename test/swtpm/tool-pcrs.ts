import { ALG, hashSize } from "../../proto/tpm/alg.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";

const MAX_BANKS = 16;
const LIST = 8;
const MAX_DIGEST = 64;

/** PCR values of the SHA-256 bank as `tpm2_quote -o` writes them: C structures, little-endian. Plain values hold at most eight for tpm2_checkquote. */
export function toolPcrs(values: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const pcrs = [...values.keys()].sort((a, b) => a - b);
  const w = new ByteWriter().u32le(1).u16le(ALG.SHA256).u8(3);
  const bits = pcrs.reduce((sum, pcr) => sum | (1 << pcr), 0);
  // Four bytes of selection, one of padding; then the structures of no other bank.
  w.u32le(bits).u8(0).bytes(new Uint8Array(8 * (MAX_BANKS - 1)));
  w.u32le(Math.ceil(pcrs.length / LIST));
  for (let at = 0; at < pcrs.length; at += LIST) {
    const list = pcrs.slice(at, at + LIST).map((pcr) => values.get(pcr) ?? new Uint8Array(hashSize(ALG.SHA256)));
    w.u32le(list.length);
    for (let i = 0; i < LIST; i++) {
      const value = list[i] ?? new Uint8Array(0);
      w.u16le(value.length).bytes(value).bytes(new Uint8Array(MAX_DIGEST - value.length));
    }
  }
  return w.done();
}
