import { ByteWriter } from "../../wire/writer.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";

/** TPM2_PolicySecret (Part 3, 23.4) with the endorsement hierarchy's empty authorization: what an EK's policy asks. */
export function policySecret(session: number): TpmCommand<void> {
  return {
    name: "PolicySecret",
    handles: [RH.ENDORSEMENT, session],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter()
      .u16be(0) // nonceTPM
      .u16be(0) // cpHashA
      .u16be(0) // policyRef
      .u32be(0) // expiration
      .done(),
    returnsHandle: false,
    parse(r) {
      r.sized16be(64); // timeout
      r.bytes(6); // policyTicket: tag, hierarchy
      r.sized16be(64); // policyTicket: digest
    },
  };
}
