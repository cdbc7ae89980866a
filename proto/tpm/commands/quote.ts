import { ByteWriter } from "../../wire/writer.ts";
import { ALG, type HashAlg } from "../alg.ts";
import { parseAttest } from "../attest.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { marshalPcrSelections } from "../pcr-selection.ts";
import { parseSignature } from "../signature.ts";

/** A quote as it travels: both parts unchanged from the TPM. */
export interface Quote {
  /** TPMS_ATTEST. */
  readonly quote: Uint8Array;
  /** TPMT_SIGNATURE over it. */
  readonly signature: Uint8Array;
}

/**
 * TPM2_Quote (Part 3, 18.4) over the same PCRs of each of `banks`, in this order, with the key's own scheme; without banks, of SHA-256.
 * A bank that isn't active comes back as one without PCRs. Throws RangeError if `extraData` is over 64 bytes.
 */
export function quote(args: {
  readonly ak: number;
  readonly extraData: Uint8Array;
  readonly pcrs: readonly number[];
  readonly banks?: readonly HashAlg[];
}): TpmCommand<Quote> {
  const banks = args.banks ?? [ALG.SHA256];
  if (args.extraData.length > 64) throw new RangeError(`extraData of ${args.extraData.length} bytes, 64 are possible`);
  return {
    name: "Quote",
    handles: [args.ak],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter()
      .sized16be(args.extraData)
      .u16be(ALG.NULL)
      .bytes(marshalPcrSelections(banks.map((hash) => ({ hash, pcrs: args.pcrs }))))
      .done(),
    returnsHandle: false,
    parse(r) {
      const attest = r.sized16be(2048);
      const signature = r.bytes(r.left);
      parseAttest(attest);
      parseSignature(signature);
      return { quote: attest, signature };
    },
  };
}
