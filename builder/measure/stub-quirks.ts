import { PeError } from "../pe/error.ts";
import type { PeImage } from "../pe/parse.ts";

/** What one range of systemd-stub's versions does otherwise than its neighbours. */
export interface StubQuirks {
  /** First and last major version that do it this way. */
  readonly from: number;
  readonly to: number;
  /**
   * Sections in the order in which they are measured into PCR 11, which is not their order in the file (systemd
   * src/fundamental/uki.c, before 256 tpm-pcr.h). `.pcrsig` is never measured. What isn't listed is neither measured nor read by the stub.
   */
  readonly sections: readonly string[];
}

const HEAD = [".linux", ".osrel", ".cmdline", ".initrd"] as const;
const TAIL = [".splash", ".dtb", ".uname", ".sbat", ".pcrpkey"] as const;
const SINCE_257 = [...HEAD, ".ucode", ...TAIL, ".profile", ".dtbauto", ".hwids"] as const;

/** Every version whose measuring is known; 253 and 254 were in no Debian release and aren't. */
export const STUB_QUIRKS: readonly StubQuirks[] = [
  { from: 252, to: 252, sections: [...HEAD, ".splash", ".dtb", ".pcrpkey"] },
  { from: 255, to: 255, sections: [...HEAD, ...TAIL] },
  { from: 256, to: 256, sections: [...HEAD, ".ucode", ...TAIL] },
  { from: 257, to: 257, sections: SINCE_257 },
  { from: 258, to: 261, sections: [...SINCE_257, ".efifw"] },
];

/** `.sdmagic` of stubs since 252: the boot loader interface's name and version of what it is. */
const MAGIC = /^#### LoaderInfo: systemd-stub (\d{3})[^#\0]{0,60} ####\0*$/;

/** The stub's major version, as it says itself: whoever made the file wrote it. Throws PeError `UNKNOWN_STUB`. */
export function stubVersion(uki: PeImage): number {
  const magic = uki.sections.find((s) => s.name === ".sdmagic");
  const [, version] = (magic === undefined ? null : MAGIC.exec(Buffer.from(magic.data).toString("latin1"))) ?? [];
  if (version === undefined) throw new PeError("UNKNOWN_STUB", "the image isn't made with systemd-stub, or doesn't say which version");
  return Number(version);
}

/** What is known of one version. Throws PeError `UNKNOWN_STUB`: what an unknown stub measures can't be foreseen. */
export function stubQuirks(version: number): StubQuirks {
  const found = STUB_QUIRKS.find(({ from, to }) => from <= version && version <= to);
  if (found === undefined) {
    const known = STUB_QUIRKS.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`)).join(", ");
    throw new PeError("UNKNOWN_STUB", `what systemd-stub ${version} measures isn't known; known are ${known}`);
  }
  return found;
}
