import { PeError } from "../pe/error.ts";
import { parsePe } from "../pe/parse.ts";
import type { UkiParts } from "./assemble.ts";

/** The contents of a UKI's sections, as they were put in; the inverse of assembleUki but for the stub; approvals of PCR 11 are left out, since they are for the whole. Throws PeError. */
export function unpackUki(uki: Uint8Array): Omit<UkiParts, "stub"> {
  const { sections } = parsePe(uki);
  const find = (name: string): Uint8Array => {
    const found = sections.find((s) => s.name === name);
    if (found === undefined) throw new PeError("BAD_SECTION", `the UKI has no section ${name}`);
    return found.data;
  };
  const pcrpkey = sections.find((s) => s.name === ".pcrpkey")?.data;
  return { osrel: find(".osrel"), cmdline: find(".cmdline"), uname: find(".uname"), initrd: find(".initrd"), linux: find(".linux"), ...(pcrpkey === undefined ? {} : { pcrpkey }) };
}
