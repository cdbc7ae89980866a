import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";

/** Tag, size and code of every response. */
const HEADER_BYTES = 10;
/** TPM2_PT_MAX_RESPONSE_SIZE of every PC Client TPM. */
export const MAX_RESPONSE_BYTES = 4096;

/**
 * Whether what came of a stream so far is a whole response: the size stands behind the 16-bit tag, big-endian (TPM 2.0 Part 1,
 * "Command/Response Structure"). Throws WireError for a size that no response has and for bytes behind it, which nobody asked
 * for: what follows can't be told from an answer then, so the stream is of no more use.
 */
export function isWholeResponse(got: Uint8Array): boolean {
  if (got.length < HEADER_BYTES) return false;
  const header = new ByteReader(got);
  header.u16be();
  const size = header.u32be();
  if (size < HEADER_BYTES || size > MAX_RESPONSE_BYTES) throw new WireError("BAD_VALUE", `the TPM's response claims ${size} bytes`);
  if (got.length > size) throw new WireError("TRAILING_BYTES", `${got.length - size} bytes follow the TPM's response of ${size}`);
  return got.length === size;
}
