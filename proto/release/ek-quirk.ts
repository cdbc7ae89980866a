/** What makers' EK certificates do against the standard and a cluster may put up with, by name; hub/attest/ek-der.ts says what each means. */
export const EK_QUIRK_NAMES = ["nv-padding", "stored-header", "oaep-key", "expired-leaf"] as const;

/** Name of an EK certificate's quirk. */
export type EkQuirk = (typeof EK_QUIRK_NAMES)[number];
