import { equalBytes } from "../../wire/bytes.ts";
import { WireError } from "../../wire/error.ts";
import type { TpmCommand } from "../command.ts";
import { nameOf } from "../public.ts";

/** What TPM2_ReadPublic gives back; publicArea is a TPMT_PUBLIC. */
export interface PublicOfHandle {
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
  readonly qualifiedName: Uint8Array;
}

/** TPM2_ReadPublic (Part 3, 12.4). The Name is checked against the bytes. */
export function readPublic(handle: number): TpmCommand<PublicOfHandle> {
  return {
    name: "ReadPublic",
    handles: [handle],
    auth: [],
    parameters: new Uint8Array(0),
    returnsHandle: false,
    parse(r) {
      const publicArea = r.sized16be(1024);
      const name = r.sized16be(66);
      const qualifiedName = r.sized16be(66);
      if (!equalBytes(name, nameOf(publicArea))) throw new WireError("BAD_VALUE", "the Name is not the public area's");
      return { publicArea, name, qualifiedName };
    },
  };
}
