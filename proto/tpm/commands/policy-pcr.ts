import { ByteWriter } from "../../wire/writer.ts";
import type { TpmCommand } from "../command.ts";
import { marshalPcrSelections, type PcrSelection } from "../pcr-selection.ts";

/** TPM2_PolicyPCR (Part 3, 23.7) with the PCRs as they are: their values go into the session's policy. */
export function policyPcr(session: number, selections: readonly PcrSelection[]): TpmCommand<void> {
  return {
    name: "PolicyPCR",
    handles: [session],
    auth: [],
    parameters: new ByteWriter().u16be(0).bytes(marshalPcrSelections(selections)).done(),
    returnsHandle: false,
    parse: () => undefined,
  };
}
