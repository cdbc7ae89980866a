import { WireError } from "../../wire/error.ts";
import type { ByteReader } from "../../wire/reader.ts";
import { ByteWriter } from "../../wire/writer.ts";
import type { TpmCommand } from "../command.ts";
import { type PcrSelection, readPcrSelections } from "../pcr-selection.ts";

const CAP = { algs: 0, handles: 1, pcrs: 5 } as const;
/** A response has room for about 250 of four bytes. */
const MAX_ITEMS = 512;

/** One answer, and whether the TPM has more after it. */
export interface CapabilityPage<T> {
  readonly more: boolean;
  readonly items: readonly T[];
}

/** Algorithm identifiers that the TPM implements, from `first` on (TPM_CAP_ALGS). */
export function getAlgorithms(first: number): TpmCommand<CapabilityPage<number>> {
  return capability(CAP.algs, first, (r) =>
    list(r, () => {
      const alg = r.u16be();
      r.u32be(); // TPMA_ALGORITHM
      return alg;
    }),
  );
}

/** Handles in use from `first` to the end of its range (TPM_CAP_HANDLES). */
export function getHandles(first: number): TpmCommand<CapabilityPage<number>> {
  return capability(CAP.handles, first, (r) => list(r, () => r.u32be()));
}

/** PCR banks with the PCRs that are allocated in each (TPM_CAP_PCRS); an empty one is off. */
export function getBanks(): TpmCommand<CapabilityPage<PcrSelection>> {
  return capability(CAP.pcrs, 0, readPcrSelections);
}

/** TPM2_GetCapability (Part 3, 30.2). */
function capability<T>(cap: number, first: number, read: (r: ByteReader) => T[]): TpmCommand<CapabilityPage<T>> {
  return {
    name: "GetCapability",
    handles: [],
    auth: [],
    parameters: new ByteWriter().u32be(cap).u32be(first).u32be(MAX_ITEMS).done(),
    returnsHandle: false,
    parse(r) {
      const more = r.u8() !== 0;
      const returned = r.u32be();
      if (returned !== cap) throw new WireError("BAD_VALUE", `capability ${returned} instead of ${cap}`);
      return { more, items: read(r) };
    },
  };
}

function list<T>(r: ByteReader, item: () => T): T[] {
  const count = r.u32be();
  if (count > MAX_ITEMS) throw new WireError("TOO_LARGE", `a list of ${count} items`);
  return Array.from({ length: count }, item);
}
