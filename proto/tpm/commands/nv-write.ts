import { ByteWriter } from "../../wire/writer.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";
import { NV_CHUNK_BYTES } from "./nv-read.ts";

/** TPM2_NV_Write (Part 3, 31.7) of a whole small index by the owner: one command, so a power cut leaves the old bytes or the new ones. Throws RangeError. */
export function nvWrite(index: number, data: Uint8Array): TpmCommand<void> {
  if (data.length === 0 || data.length > NV_CHUNK_BYTES) throw new RangeError(`${data.length} bytes don't go into one write`);
  return {
    name: "NV_Write",
    handles: [RH.OWNER, index],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter().sized16be(data).u16be(0).done(),
    returnsHandle: false,
    parse: () => undefined,
  };
}
