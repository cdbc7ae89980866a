import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";

/** Up to 32 bytes as hex that follow from `seed` and `label` alone: identifiers that would else be random (DESIGN §2.4). */
export function deriveBytes(seed: string, label: string, bytes: number): string {
  if (bytes > 32) throw new RangeError("at most 32 bytes are derived");
  return toHex(sha256(utf8(`kubedos ${label}\0${seed}`))).slice(0, bytes * 2);
}
