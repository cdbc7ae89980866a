import { ByteWriter } from "../../wire/writer.ts";
import { ALG } from "../alg.ts";
import type { TpmCommand } from "../command.ts";
import { readTicket } from "./create.ts";

/** TPM2_VerifySignature (Part 3, 20.1) of an RSASSA signature over SHA-256; the ticket comes back. */
export function verifyRsaSignature(args: { readonly key: number; readonly digest: Uint8Array; readonly signature: Uint8Array }): TpmCommand<Uint8Array> {
  return {
    name: "VerifySignature",
    handles: [args.key],
    auth: [],
    parameters: new ByteWriter().sized16be(args.digest).u16be(ALG.RSASSA).u16be(ALG.SHA256).sized16be(args.signature).done(),
    returnsHandle: false,
    parse: readTicket,
  };
}
