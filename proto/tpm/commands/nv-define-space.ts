import { ByteWriter } from "../../wire/writer.ts";
import { ALG } from "../alg.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";

/** What an NV index is made with. */
export interface NvSpace {
  readonly index: number;
  /** TPMA_NV (Part 2, 13.4), see nv-attributes.ts. */
  readonly attributes: number;
  /** Bytes. */
  readonly size: number;
}

/** TPM2_NV_DefineSpace (Part 3, 31.3) by the owner, whose authorization is empty; the index's own is empty, too, and it has no policy. */
export function nvDefineSpace({ index, attributes, size }: NvSpace): TpmCommand<void> {
  const area = new ByteWriter().u32be(index).u16be(ALG.SHA256).u32be(attributes >>> 0).u16be(0).u16be(size).done();
  return {
    name: "NV_DefineSpace",
    handles: [RH.OWNER],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter().u16be(0).sized16be(area).done(),
    returnsHandle: false,
    parse: () => undefined,
  };
}
