import type { TpmCommand } from "../command.ts";

/** TPM2_Unseal (Part 3, 12.7): the bytes of a sealed object, whose policy `session` has satisfied; the session ends with the command. */
export function unseal(item: number, session: number): TpmCommand<Uint8Array> {
  return {
    name: "Unseal",
    handles: [item],
    auth: [{ session }],
    parameters: new Uint8Array(0),
    returnsHandle: false,
    parse: (r) => r.sized16be(128),
  };
}
