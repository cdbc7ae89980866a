import { ByteWriter } from "../../wire/writer.ts";
import type { TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";

/** TPM2_LoadExternal (Part 3, 12.3) of a public key, in the owner's hierarchy: so that what it verifies gives a ticket. */
export function loadExternal(publicArea: Uint8Array): TpmCommand<{ readonly handle: number; readonly name: Uint8Array }> {
  return {
    name: "LoadExternal",
    handles: [],
    auth: [],
    parameters: new ByteWriter().u16be(0).sized16be(publicArea).u32be(RH.OWNER).done(),
    returnsHandle: true,
    parse: (r, handle) => ({ handle, name: r.sized16be(66) }),
  };
}
