import { WireError } from "../../wire/error.ts";
import { ByteWriter } from "../../wire/writer.ts";
import { type HashAlg, hashSize, readHashAlg } from "../alg.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { assertPcrIndex } from "../pcr-selection.ts";

const MAX_EVENT_BYTES = 1024;
const MAX_BANKS = 16;

/** Digest of one bank (TPMT_HA). */
export interface BankDigest {
  readonly hash: HashAlg;
  readonly digest: Uint8Array;
}

/**
 * TPM2_PCR_Event (Part 3, 22.3): the TPM hashes up to 1024 bytes and extends every active bank; the digests come back.
 * Throws RangeError on a wrong index or longer data.
 */
export function pcrEvent(index: number, data: Uint8Array): TpmCommand<readonly BankDigest[]> {
  assertPcrIndex(index);
  if (data.length > MAX_EVENT_BYTES) throw new RangeError(`${data.length} bytes in one event, 1024 are possible`);
  return {
    name: "PCR_Event",
    handles: [index],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter().sized16be(data).done(),
    returnsHandle: false,
    parse(r) {
      const count = r.u32be();
      if (count > MAX_BANKS) throw new WireError("TOO_LARGE", `${count} digests of one event`);
      return Array.from({ length: count }, () => {
        const hash = readHashAlg(r);
        return { hash, digest: r.bytes(hashSize(hash)) };
      });
    },
  };
}
