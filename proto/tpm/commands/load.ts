import { ByteWriter } from "../../wire/writer.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import type { CreatedObject } from "./create.ts";

/** TPM2_Load (Part 3, 12.2) under a parent with an empty authorization; refused (INTEGRITY) where another TPM or parent made the object. */
export function load(parent: number, object: Pick<CreatedObject, "privateArea" | "publicArea">): TpmCommand<{ readonly handle: number; readonly name: Uint8Array }> {
  return {
    name: "Load",
    handles: [parent],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter().sized16be(object.privateArea).sized16be(object.publicArea).done(),
    returnsHandle: true,
    parse: (r, handle) => ({ handle, name: r.sized16be(66) }),
  };
}
