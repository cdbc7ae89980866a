import type { ExpectedEvent } from "../../proto/release/release.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { PeError } from "../pe/error.ts";
import type { PeImage } from "../pe/parse.ts";
import { event } from "./event.ts";
import { stubQuirks, stubVersion } from "./stub-quirks.ts";

/** Words that our init and agent extend into PCR 11, in this order; nothing else extends it (DESIGN §2.5). */
export const PCR11_WORDS: readonly string[] = ["enter-initrd", "leave-initrd", "kubedos-agent", "kubedos-admitted", "kubedos-sealed"];
/** The word that must be there when evidence is made: the agent extends it before its first quote. */
export const PCR11_EARLIEST = "kubedos-agent";

/** A section of a UKI as it is measured: its name and SHA-256 over its contents, hex. */
export interface MeasuredSection {
  readonly name: string;
  readonly sha256: string;
}

/**
 * The measured sections of a finished UKI, in the order of its stub, or of that of another `version`. Throws PeError `UNKNOWN_STUB`; `BAD_SECTION` when one
 * occurs twice.
 */
export function measuredSections(uki: PeImage, version: number = stubVersion(uki)): readonly MeasuredSection[] {
  return stubQuirks(version).sections.flatMap((name) => {
    const found = uki.sections.filter((s) => s.name === name);
    if (found.length > 1) throw new PeError("BAD_SECTION", `the UKI has ${found.length} sections ${name}`);
    return found.map(({ data }) => ({ name, sha256: toHex(sha256(data)) }));
  });
}

/** PCR 11 as systemd-stub leaves it: for each section its name with NUL, then its contents (systemd src/boot/stub.c). */
export function expectPcr11(sections: readonly MeasuredSection[]): readonly ExpectedEvent[] {
  return sections.flatMap(({ name, sha256: digest }) => [
    event("EV_IPL", utf8(`${name}\0`), `the UKI has a section ${name}`),
    { type: "EV_IPL", digest, what: `contents of ${name}: ${MEANING[name] ?? "part of the UKI"}` },
  ]);
}

const MEANING: Readonly<Record<string, string>> = {
  ".linux": "the kernel",
  ".osrel": "os-release: cluster and role",
  ".cmdline": "the kernel's command line with the root hash",
  ".initrd": "our init and the modules it loads",
  ".uname": "the kernel's version",
  ".sbat": "revocation levels",
  ".pcrpkey": "the key that approves PCR policies",
};
