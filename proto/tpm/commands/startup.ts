import { ByteWriter } from "../../wire/writer.ts";
import type { TpmCommand } from "../command.ts";

const SU_CLEAR = 0;

/** TPM2_Startup(CLEAR) (Part 3, 9.3). Firmware sends it on a real machine; behind a bare swtpm it is ours to send. */
export function startup(): TpmCommand<void> {
  return {
    name: "Startup",
    handles: [],
    auth: [],
    parameters: new ByteWriter().u16be(SU_CLEAR).done(),
    returnsHandle: false,
    parse: () => undefined,
  };
}
