/**
 * What real firmware does against the specification, by name. A release's image lists those that its platform needs; the verdict
 * accepts no other and records which were needed (P12, P19). Everything else in a log that isn't by the book is refused.
 */
export const QUIRKS = {
  /** AMD firmware posts events of type 0x8401 to PCR 2 after the separator (canonical/secboot#571). */
  "amd-pcr2-after-separator": "AMD firmware measures into PCR 2 after its separator",
  /** ExitBootServices was measured into PCR 5, but the log that the kernel took over ends before it. */
  "exit-boot-services-unlogged": "the firmware's log ends before ExitBootServices, which was measured",
} as const;

/** Name of a quirk. */
export type Quirk = keyof typeof QUIRKS;

/** All names, for schemas. */
export const QUIRK_NAMES: readonly Quirk[] = Object.keys(QUIRKS) as Quirk[];
