import { ByteWriter } from "../../wire/writer.ts";
import { ALG, hashSize } from "../alg.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { assertPcrIndex } from "../pcr-selection.ts";

/**
 * TPM2_PCR_Extend (Part 3, 22.2) of the SHA-256 bank. Other banks stay as they are: use PCR_Event where they are active.
 * Throws RangeError on a wrong index or digest length.
 */
export function pcrExtend(index: number, digest: Uint8Array): TpmCommand<void> {
  assertPcrIndex(index);
  if (digest.length !== hashSize(ALG.SHA256)) throw new RangeError(`a SHA-256 digest of ${digest.length} bytes`);
  return {
    name: "PCR_Extend",
    handles: [index],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter().u32be(1).u16be(ALG.SHA256).bytes(digest).done(),
    returnsHandle: false,
    parse: () => undefined,
  };
}
