import { sha256 } from "../../proto/wire/bytes.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";

/**
 * Short stable id of an identity (DESIGN §2.13): the first 12 hex digits of SHA-256(EK Name ‖ generation as u64be).
 * Enough for people to type; the EK Name is what decisions compare.
 */
export function identityId(ekName: string, generation: number): string {
  const count = new ByteWriter().u64be(BigInt(generation)).done();
  return toHex(sha256(fromHex(ekName), count)).slice(0, 12);
}
