import { WireError } from "../../wire/error.ts";
import { ALG, hashSize } from "../alg.ts";
import type { TpmCommand } from "../command.ts";
import { marshalPcrSelections, readPcrSelections } from "../pcr-selection.ts";

/** Some PCRs, as many as fit one response. */
export interface PcrPage {
  /** Grows with each extend, so pages with one counter belong together. */
  readonly updateCounter: number;
  /** Index and SHA-256 value of those that came, a part of what was asked. */
  readonly values: readonly (readonly [number, Uint8Array])[];
}

/** TPM2_PCR_Read (Part 3, 22.4) of the SHA-256 bank. The TPM returns the first eight at most. */
export function pcrRead(pcrs: readonly number[]): TpmCommand<PcrPage> {
  return {
    name: "PCR_Read",
    handles: [],
    auth: [],
    parameters: marshalPcrSelections([{ hash: ALG.SHA256, pcrs }]),
    returnsHandle: false,
    parse(r) {
      const updateCounter = r.u32be();
      const selected = readPcrSelections(r).flatMap(({ hash, pcrs: returned }) => {
        if (returned.length > 0 && hash !== ALG.SHA256) throw new WireError("BAD_VALUE", "a bank that nobody asked for");
        return returned;
      });
      if (selected.some((pcr) => !pcrs.includes(pcr))) throw new WireError("BAD_VALUE", "a PCR that nobody asked for");
      const count = r.u32be();
      if (count !== selected.length) throw new WireError("BAD_VALUE", `${count} values for ${selected.length} PCRs`);
      const size = hashSize(ALG.SHA256);
      const values = selected.map((pcr): readonly [number, Uint8Array] => {
        const value = r.sized16be(size);
        if (value.length !== size) throw new WireError("BAD_VALUE", `PCR ${pcr} has ${value.length} bytes`);
        return [pcr, value];
      });
      return { updateCounter, values };
    },
  };
}
