import { ByteWriter } from "../../wire/writer.ts";
import type { TpmCommand } from "../command.ts";

/** TPM2_GetRandom (Part 3, 16.1). A TPM may give fewer bytes than asked, down to the size of one digest. */
export function getRandom(bytes: number): TpmCommand<Uint8Array> {
  return {
    name: "GetRandom",
    handles: [],
    auth: [],
    parameters: new ByteWriter().u16be(bytes).done(),
    returnsHandle: false,
    parse: (r) => r.sized16be(bytes),
  };
}
