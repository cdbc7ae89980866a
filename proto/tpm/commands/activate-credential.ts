import { ByteWriter } from "../../wire/writer.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";

/**
 * TPM2_ActivateCredential (Part 3, 12.5): opens a credential that was made for `ek` and the Name of `ak`. `session` has
 * satisfied the EK's policy and ends with the command. Blob and secret come without their TPM2B sizes.
 */
export function activateCredential(args: {
  readonly ak: number;
  readonly ek: number;
  readonly session: number;
  readonly credentialBlob: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}): TpmCommand<Uint8Array> {
  return {
    name: "ActivateCredential",
    handles: [args.ak, args.ek],
    auth: [EMPTY_PASSWORD, { session: args.session }],
    parameters: new ByteWriter().sized16be(args.credentialBlob).sized16be(args.encryptedSecret).done(),
    returnsHandle: false,
    parse: (r) => r.sized16be(64),
  };
}
