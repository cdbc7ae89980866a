import type { CodeText } from "./code-text.ts";

/** Every way in which the two logs fail by themselves: their form, their banks, their sum, and what firmware must measure. In the order of the checks. */
export const LOG_CODES = {
  LOG_LEGACY: {
    text: "The firmware's log has the TPM 1.2 format, which knows SHA-1 alone.",
    cause: "The firmware or its settings are too old.",
    next: "switch the firmware to TPM 2.0 with the crypto-agile log, start it anew, then: kubedos-hub pending",
  },
  LOG_MALFORMED: {
    text: "The firmware's log can't be read to its end.",
    cause: "The log was cut or changed, or the firmware writes what no specification allows.",
    next: "kubedos-hub inspect eventlog FILE",
  },
  LOG_WITHOUT_SHA256: {
    text: "The firmware's log has no SHA-256 bank.",
    cause: "The TPM's SHA-256 bank is switched off.",
    next: "switch the SHA-256 bank on in the firmware's setup, start it anew, then: kubedos-hub pending",
  },
  BANK_UNQUOTED: {
    text: "The quote leaves out a bank that the firmware's log announces.",
    cause: "The agent's version doesn't fit the hub's, the log was rewritten, or a bank was to be hidden.",
    next: "compare kubedos-agent --version with kubedos-hub --version; where both fit, treat the machine as hostile",
  },
  BANK_UNLOGGED: {
    text: "The quote covers a bank that the firmware's log doesn't announce.",
    cause: "The bank is active in the TPM and the firmware doesn't fill it, so anybody can.",
    next: "switch all banks but SHA-256 off in the firmware's setup, start it anew, then: kubedos-hub pending",
  },
  BANK_INCONSISTENT: {
    text: "A bank that the firmware's log announces isn't told by the logs' own events.",
    cause: "The firmware or systemd leaves a bank empty, or somebody filled it.",
    next: "switch all banks but SHA-256 off in the firmware's setup, start it anew, then: kubedos-hub pending",
  },
  USERSPACE_LOG_MALFORMED: {
    text: "The log of what userspace measured can't be read.",
    cause: "The log was cut or changed.",
    next: "start the machine anew, then: kubedos-hub pending",
  },
  LOG_MISMATCH: {
    text: "The logs don't add up to the PCR values that the TPM signed.",
    cause: "Events are missing from the logs or were changed in them, or something extended a PCR without a record.",
    next: "start the machine anew; if it repeats, what ran isn't what its logs say: treat it as hostile and look at its disk and console",
  },
  SEPARATOR_WRONG: {
    text: "A firmware PCR hasn't exactly one good separator.",
    cause: "The firmware reported an error or its log was rewritten.",
    next: "look at the log with kubedos-hub inspect eventlog FILE, then update the firmware",
  },
  POST_SEPARATOR_EVENT: {
    text: "A firmware PCR has an event after its separator that doesn't belong there.",
    cause: "The firmware measures late, or something that it started did.",
    next: "if this platform is known for it, build the release with the quirk's name: kubedos-build build",
  },
  BARRIER_WRONG: {
    text: "Userspace extended a PCR of the firmware with something else than its one barrier.",
    cause: "Something in the running system wrote to the firmware's PCRs or edited systemd's log.",
    next: "treat the machine as hostile: kubedos-hub audit",
  },
  SECURE_BOOT_OFF: {
    text: "Secure Boot wasn't on when the machine started.",
    cause: "Somebody switched it off or started from other variables.",
    next: "switch Secure Boot on with the cluster's own keys (a virtual machine gets its variables anew from kubedos-build deploy), start it anew, then: kubedos-hub pending",
  },
  SECURE_BOOT_VARIABLE_WRONG: {
    text: "One of Secure Boot's variables isn't measured as it must be.",
    cause: "The log was rewritten, or the firmware measures something of its own.",
    next: "look at PCR 7: kubedos-hub inspect eventlog FILE",
  },
  SECURE_BOOT_AUTHORITY_WRONG: {
    text: "An image was allowed by no certificate, or by one that isn't in db.",
    cause: "The log was rewritten, or a shim with keys of its own was started.",
    next: "stamp the machine again from the current release (kubedos-build deploy), then: kubedos-hub window open",
  },
} as const satisfies Readonly<Record<string, CodeText>>;
