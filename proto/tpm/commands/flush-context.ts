import { ByteWriter } from "../../wire/writer.ts";
import type { TpmCommand } from "../command.ts";

/** TPM2_FlushContext (Part 3, 28.4): drops a transient object or a session. The handle travels as a parameter. */
export function flushContext(handle: number): TpmCommand<void> {
  return {
    name: "FlushContext",
    handles: [],
    auth: [],
    parameters: new ByteWriter().u32be(handle).done(),
    returnsHandle: false,
    parse: () => undefined,
  };
}
