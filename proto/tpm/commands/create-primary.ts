import { equalBytes } from "../../wire/bytes.ts";
import { WireError } from "../../wire/error.ts";
import { ByteWriter } from "../../wire/writer.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { RH } from "../handles.ts";
import { marshalPublic, nameOf, type TpmPublic } from "../public.ts";

const MAX_PUBLIC_BYTES = 1024;
const MAX_NAME_BYTES = 66;

/** A key that is loaded in the TPM. */
export interface LoadedKey {
  readonly handle: number;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
}

/** TPM2_CreatePrimary (Part 3, 24.1) in a hierarchy whose authorization is empty; so is the key's. */
export function createPrimary(template: TpmPublic, hierarchy: number = RH.ENDORSEMENT): TpmCommand<LoadedKey> {
  const parameters = new ByteWriter()
    .sized16be(new Uint8Array(4)) // TPM2B_SENSITIVE_CREATE: no authorization, no data
    .sized16be(marshalPublic(template))
    .u16be(0) // outsideInfo
    .u32be(0) // creationPCR: no bank
    .done();
  return {
    name: "CreatePrimary",
    handles: [hierarchy],
    auth: [EMPTY_PASSWORD],
    parameters,
    returnsHandle: true,
    parse(r, handle) {
      const publicArea = r.sized16be(MAX_PUBLIC_BYTES);
      r.sized16be(1024); // creationData
      r.sized16be(64); // creationHash
      r.bytes(6); // creationTicket: tag, hierarchy
      r.sized16be(64); // creationTicket: digest
      const name = r.sized16be(MAX_NAME_BYTES);
      if (!equalBytes(name, nameOf(publicArea))) throw new WireError("BAD_VALUE", "the Name is not the public area's");
      return { handle, publicArea, name };
    },
  };
}
