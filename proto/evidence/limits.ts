/** Upper bounds of what one attestation may bring. A real firmware log has 13–50 KB, a real userspace log 1 KB. */
export const EVIDENCE_LIMITS = {
  publicArea: 1024,
  quote: 1024,
  signature: 1024,
  secret: 64,
  firmwareLog: 256 * 1024,
  userspaceLog: 64 * 1024,
} as const;

/** Largest gRPC message that either side takes. */
export const MAX_MESSAGE_BYTES = 512 * 1024;

/** PCRs in every quote (DESIGN §2.8), of the SHA-256 bank and of each other one that is active. */
export const QUOTED_PCRS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 14];

/** Words in PCR 11 after the UKI's sections, in the only order that occurs (DESIGN §2.5). */
export const PHASE_WORDS = ["enter-initrd", "leave-initrd", "kubedos-agent", "kubedos-admitted", "kubedos-sealed"] as const;
/** Extended instead of whatever should have come next, when anything in the initrd or the agent fails. */
export const FAILED_WORD = "kubedos-failed";
