import { WireError } from "../../wire/error.ts";
import { ByteWriter } from "../../wire/writer.ts";
import { ALG } from "../alg.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";

/**
 * TPM2_CertifyCreation (Part 3, 18.3) without a signing key: the TPM only checks its own ticket. Refused (TICKET) unless this TPM
 * created exactly the loaded object with exactly that creation data.
 */
export function certifyCreation(args: { readonly object: number; readonly creationHash: Uint8Array; readonly creationTicket: Uint8Array }): TpmCommand<void> {
  return {
    name: "CertifyCreation",
    handles: [RH.NULL, args.object],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter()
      .u16be(0) // qualifyingData
      .sized16be(args.creationHash)
      .u16be(ALG.NULL) // inScheme
      .bytes(args.creationTicket)
      .done(),
    returnsHandle: false,
    parse(r) {
      r.sized16be(1024); // certifyInfo
      if (r.u16be() !== ALG.NULL) throw new WireError("BAD_VALUE", "a signature that nobody asked for");
    },
  };
}
