import { WireError } from "../../wire/error.ts";
import { ByteWriter } from "../../wire/writer.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";

/** Bytes of one read that every TPM takes (TPM_PT_NV_BUFFER_MAX is 512 at least on the PC Client). */
export const NV_CHUNK_BYTES = 512;

/** TPM2_NV_Read (Part 3, 31.13), authorized by `auth`: the index itself, or the owner, both with an empty password. */
export function nvRead(args: { readonly auth: number; readonly index: number; readonly size: number; readonly offset: number }): TpmCommand<Uint8Array> {
  const { auth, index, size, offset } = args;
  return {
    name: "NV_Read",
    handles: [auth, index],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter().u16be(size).u16be(offset).done(),
    returnsHandle: false,
    parse(r) {
      const data = r.sized16be(size);
      if (data.length !== size) throw new WireError("BAD_VALUE", "the TPM gave fewer bytes than the index has");
      return data;
    },
  };
}
