import { WireError } from "../../wire/error.ts";
import { ByteReader } from "../../wire/reader.ts";
import type { TpmCommand } from "../command.ts";

/** What is needed of TPMS_NV_PUBLIC (Part 2, 13.6). */
export interface NvPublic {
  /** TPMA_NV. */
  readonly attributes: number;
  readonly dataSize: number;
}

/** TPM2_NV_ReadPublic (Part 3, 31.6). */
export function nvReadPublic(index: number): TpmCommand<NvPublic> {
  return {
    name: "NV_ReadPublic",
    handles: [index],
    auth: [],
    parameters: new Uint8Array(0),
    returnsHandle: false,
    parse(r) {
      const area = new ByteReader(r.sized16be(256));
      r.sized16be(66); // Name
      if (area.u32be() !== index) throw new WireError("BAD_VALUE", "the TPM speaks of another NV index");
      area.u16be(); // nameAlg
      const attributes = area.u32be();
      area.sized16be(64); // authPolicy
      const dataSize = area.u16be();
      area.end();
      return { attributes, dataSize };
    },
  };
}
