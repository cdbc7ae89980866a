import type { ByteReader } from "../../wire/reader.ts";
import { ByteWriter } from "../../wire/writer.ts";
import { EMPTY_PASSWORD, type TpmCommand } from "../command.ts";
import { marshalPcrSelections, type PcrSelection } from "../pcr-selection.ts";

/** A child of a storage key, as TPM2_Create gives it: contents of the TPM2B structures. */
export interface CreatedObject {
  readonly privateArea: Uint8Array;
  readonly publicArea: Uint8Array;
  /** TPMS_CREATION_DATA: among others the PCRs at the creation. */
  readonly creationData: Uint8Array;
  readonly creationHash: Uint8Array;
  /** TPMT_TK_CREATION: this TPM's word that the object was created with that data. */
  readonly creationTicket: Uint8Array;
}

/** TPM2_Create (Part 3, 12.1) of a sealed object with these bytes; its own authorization is empty. The parent's authorization is empty, too. */
export function create(args: {
  readonly parent: number;
  readonly data: Uint8Array;
  /** TPMT_PUBLIC. */
  readonly template: Uint8Array;
  readonly creationPcrs: readonly PcrSelection[];
}): TpmCommand<CreatedObject> {
  const sensitive = new ByteWriter().u16be(0).sized16be(args.data).done();
  return {
    name: "Create",
    handles: [args.parent],
    auth: [EMPTY_PASSWORD],
    parameters: new ByteWriter()
      .sized16be(sensitive)
      .sized16be(args.template)
      .u16be(0) // outsideInfo
      .bytes(marshalPcrSelections(args.creationPcrs))
      .done(),
    returnsHandle: false,
    parse: (r) => ({
      privateArea: r.sized16be(1024),
      publicArea: r.sized16be(1024),
      creationData: r.sized16be(1024),
      creationHash: r.sized16be(64),
      creationTicket: readTicket(r),
    }),
  };
}

/** A ticket as it stands: tag, hierarchy, digest. */
export function readTicket(r: ByteReader): Uint8Array {
  const head = r.bytes(6);
  return new ByteWriter().bytes(head).sized16be(r.sized16be(64)).done();
}
