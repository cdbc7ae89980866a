import { ByteReader } from "../../../proto/wire/reader.ts";
import { toHex } from "../../../proto/wire/hex.ts";

const SHA256 = 0x000b;
const DIGEST_BYTES: Readonly<Record<number, number>> = { 0x0004: 20, 0x000b: 32, 0x000c: 48, 0x000d: 64 };

/**
 * SHA-256 digests of one PCR's events, hex, from a TCG crypto-agile log. A second, smaller reader than the verifier's, so
 * that the predictor is compared with the firmware and not with another part of ours.
 */
export function readPcr(log: Uint8Array, pcr: number): string[] {
  const r = new ByteReader(log);
  r.bytes(28);
  r.sized32le(4096);
  const out: string[] = [];
  while (r.left > 0) {
    const index = r.u32le();
    r.u32le();
    for (let n = r.u32le(); n > 0; n--) {
      const algorithm = r.u16le();
      const digest = r.bytes(DIGEST_BYTES[algorithm] ?? -1);
      if (index === pcr && algorithm === SHA256) out.push(toHex(digest));
    }
    r.sized32le(1 << 20);
  }
  return out;
}
