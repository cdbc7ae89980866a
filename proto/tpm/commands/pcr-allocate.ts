import { WireError } from "../../wire/error.ts";
import type { HashAlg } from "../alg.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";
import { ALL_PCRS, marshalPcrSelections } from "../pcr-selection.ts";

/**
 * TPM2_PCR_Allocate (Part 3, 22.5) under the platform hierarchy's empty password: which banks have PCRs after the next reset. A bank that
 * isn't named stays as it is. Rejects where the TPM hasn't the room.
 */
export function pcrAllocate(banks: readonly { readonly hash: HashAlg; readonly on: boolean }[]): TpmCommand<void> {
  return {
    name: "PCR_Allocate",
    handles: [RH.PLATFORM],
    auth: [EMPTY_PASSWORD],
    parameters: marshalPcrSelections(banks.map(({ hash, on }) => ({ hash, pcrs: on ? ALL_PCRS : [] }))),
    returnsHandle: false,
    parse(r) {
      const success = r.u8();
      r.bytes(12); // most PCRs, bytes needed, bytes there
      if (success !== 1) throw new WireError("BAD_VALUE", "the TPM has no room for these banks");
    },
  };
}
