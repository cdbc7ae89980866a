import { ByteWriter } from "../../wire/writer.ts";
import type { TpmCommand } from "../command.ts";

/**
 * TPM2_PolicyAuthorize (Part 3, 23.16): the session's policy becomes "whatever this key approves for this purpose". Refused where the
 * session's policy isn't `approved`, or the ticket isn't over it.
 */
export function policyAuthorize(args: {
  readonly session: number;
  readonly approved: Uint8Array;
  readonly policyRef: Uint8Array;
  readonly keyName: Uint8Array;
  readonly ticket: Uint8Array;
}): TpmCommand<void> {
  return {
    name: "PolicyAuthorize",
    handles: [args.session],
    auth: [],
    parameters: new ByteWriter().sized16be(args.approved).sized16be(args.policyRef).sized16be(args.keyName).bytes(args.ticket).done(),
    returnsHandle: false,
    parse: () => undefined,
  };
}
