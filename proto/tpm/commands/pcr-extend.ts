import { ByteWriter } from "../../wire/writer.ts";
import { hashName, hashSize } from "../alg.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { assertPcrIndex } from "../pcr-selection.ts";
import type { BankDigest } from "./pcr-event.ts";

/**
 * TPM2_PCR_Extend (Part 3, 22.2) of the banks that have a digest here. Active ones without one stay as they are: PCR_Event takes all.
 * Throws RangeError on a wrong index or digest length.
 */
export function pcrExtend(index: number, digests: readonly BankDigest[]): TpmCommand<void> {
  assertPcrIndex(index);
  const parameters = new ByteWriter().u32be(digests.length);
  for (const { hash, digest } of digests) {
    if (digest.length !== hashSize(hash)) throw new RangeError(`a ${hashName(hash)} digest of ${digest.length} bytes`);
    parameters.u16be(hash).bytes(digest);
  }
  return {
    name: "PCR_Extend",
    handles: [index],
    auth: [EMPTY_PASSWORD],
    parameters: parameters.done(),
    returnsHandle: false,
    parse: () => undefined,
  };
}
