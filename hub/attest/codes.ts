interface CodeText {
  /** What was found, one sentence. */
  readonly text: string;
  /** What usually causes it, and what to do next. */
  readonly cause: string;
}

/**
 * Every way in which evidence fails, in the order of the checks. The keys are what machines read; they never change
 * their meaning. `kubedos-hub explain CODE` prints the rest.
 */
export const ATTEST_CODES = {
  EVIDENCE_TOO_LARGE: {
    text: "A part of the evidence is larger than any real one.",
    cause: "Something else than kubedos-agent is talking, or the firmware's log has grown past the limit. Look at the size with `kubedos-hub inspect eventlog`.",
  },
  EK_MALFORMED: {
    text: "The endorsement key's public area can't be read.",
    cause: "Something else than kubedos-agent is talking, or its version doesn't fit the hub's. Compare both with `--version`.",
  },
  EK_UNFIT: {
    text: "The endorsement key isn't a restricted decryption key that was made in its TPM and stays there.",
    cause: "The key is no endorsement key by its attributes, algorithm or size. The machine needs a TPM 2.0 with an RSA-2048 or P-256 EK.",
  },
  AK_MALFORMED: {
    text: "The attestation key's public area can't be read.",
    cause: "Something else than kubedos-agent is talking, or its version doesn't fit the hub's. Compare both with `--version`.",
  },
  AK_UNFIT: {
    text: "The attestation key isn't a restricted signing key that was made in its TPM and stays there.",
    cause: "A key without these attributes could sign anything, so it proves nothing. Treat the machine as hostile and look at its console.",
  },
  EK_CERTIFICATE_MALFORMED: {
    text: "A certificate of the endorsement key can't be read.",
    cause: "The TPM's maker wrote it against the standard, or it was damaged. If the maker is known for it, allow the quirk that the message names.",
  },
  EK_CERTIFICATE_UNFIT: {
    text: "The certificate isn't one for an endorsement key, or something in its chain may not issue any.",
    cause: "Another certificate was put into the TPM, or a leaf was used as an authority. Treat the machine as hostile.",
  },
  EK_CERTIFICATE_KEY_WRONG: {
    text: "The certificate is about another key than this endorsement key.",
    cause: "A genuine certificate of another TPM was shown, or the EK is of another template. Compare `tpm2_getekcertificate` with the EK.",
  },
  EK_CERTIFICATE_EXPIRED: {
    text: "A certificate in the endorsement key's chain isn't valid at this time.",
    cause: "The maker's certificate ran out, or the hub's clock is wrong. Look at the clock, then at the maker's list.",
  },
  EK_CERTIFICATE_REVOKED: {
    text: "A certificate in the endorsement key's chain was revoked.",
    cause: "The maker or an operator withdrew it. Take the machine out.",
  },
  EK_CERTIFICATE_UNTRUSTED: {
    text: "The endorsement key's certificate doesn't lead to a configured root.",
    cause: "The TPM's maker isn't configured, an intermediate is missing, or anybody made this TPM. Add the maker's root, or pin the EK.",
  },
  CHALLENGE_INVALID: {
    text: "The challenge itself is too short to be one.",
    cause: "This is a fault of the verifier, not of the machine. Report it with the hub's log.",
  },
  CHALLENGE_KEYS_WRONG: {
    text: "The evidence shows other keys than those that the challenge was made for.",
    cause: "Keys were exchanged between the hello and the evidence. Somebody mixes two machines; treat both as hostile.",
  },
  SECRET_WRONG: {
    text: "The TPM didn't give back the challenge's secret.",
    cause: "The attestation key and the endorsement key don't live in the same TPM, or the answer belongs to another challenge. Restart the agent and let it ask again.",
  },
  NONCE_EXPIRED: {
    text: "The answer came after the challenge's end.",
    cause: "The machine or the network is slow. Nothing: the agent asks again by itself. If it repeats, look at the machine's load.",
  },
  QUOTE_MALFORMED: {
    text: "The quote or its signature can't be read.",
    cause: "Something else than kubedos-agent is talking, or its version doesn't fit the hub's. Compare both with `--version`.",
  },
  SIGNATURE_WRONG: {
    text: "The signature over the quote isn't one by the attestation key in its own scheme.",
    cause: "The quote was changed on its way or signed by another key. Treat the machine as hostile.",
  },
  MAGIC_WRONG: {
    text: "What the attestation key signed wasn't made by its TPM.",
    cause: "Somebody had the TPM sign bytes of his own. Treat the machine as hostile.",
  },
  TYPE_WRONG: {
    text: "What the attestation key signed is no quote.",
    cause: "Another statement of the same TPM was passed off as a quote. Treat the machine as hostile.",
  },
  SIGNER_WRONG: {
    text: "The TPM names another signer than the attestation key under its endorsement hierarchy.",
    cause: "The key has other attributes than it shows, or lies in another hierarchy. Compare the agent's version with the hub's, then treat the machine as hostile.",
  },
  SHA1_ONLY: {
    text: "The machine quotes or logs the SHA-1 bank alone.",
    cause: "The TPM's SHA-256 bank is switched off. SHA-1 can be forged. Switch the SHA-256 bank on in the firmware's setup.",
  },
  SELECTION_WRONG: {
    text: "The quote covers other PCRs than 0-7, 9 and 11-14, or not those of the SHA-256 bank.",
    cause: "The agent's version doesn't fit the hub's, or PCRs were to be hidden. Compare both versions, then treat the machine as hostile.",
  },
  BINDING_WRONG: {
    text: "The quote isn't bound to this challenge, this verifier, these claims and these logs.",
    cause: "An old or foreign quote was replayed, or claims or logs were changed after it. Restart the agent; if it repeats, somebody is in between.",
  },
  CLAIMS_MALFORMED: {
    text: "The claims aren't canonical JSON of the known form.",
    cause: "The agent's version doesn't fit the hub's. Compare both with `--version`.",
  },
  CLUSTER_WRONG: {
    text: "The machine's image belongs to another cluster.",
    cause: "The machine was stamped from another cluster's release or reaches the wrong hub. Look at its hint record and disk.",
  },
  TLS_KEY_WRONG: {
    text: "The claims name another TLS key than the connection's.",
    cause: "Evidence of one machine came over the connection of another. Somebody is relaying it.",
  },
  CLOCK_WENT_BACK: {
    text: "The TPM's clock or one of its counters is behind what it has shown before.",
    cause: "An older copy of a virtual TPM's state was started, or a virtual machine was set back. Compare the machine's snapshots, then evict it.",
  },
  CLOCK_FORKED: {
    text: "Two boots claim the same reset of one TPM.",
    cause: "Two copies of one virtual TPM are running. Stop both, find out which is yours, and evict the identity.",
  },
  LOG_LEGACY: {
    text: "The firmware's log has the TPM 1.2 format, which knows SHA-1 alone.",
    cause: "The firmware or its settings are too old. Switch it to TPM 2.0 with the crypto-agile log.",
  },
  LOG_MALFORMED: {
    text: "The firmware's log can't be read to its end.",
    cause: "The log was cut or changed, or the firmware writes what no specification allows. Look at it with `kubedos-hub inspect eventlog`.",
  },
  LOG_WITHOUT_SHA256: {
    text: "The firmware's log has no SHA-256 bank.",
    cause: "The TPM's SHA-256 bank is switched off. Switch it on in the firmware's setup.",
  },
  BANK_UNQUOTED: {
    text: "The quote leaves out a bank that the firmware's log announces.",
    cause: "The agent's version doesn't fit the hub's, the log was rewritten, or a bank was to be hidden. Compare both versions, then treat the machine as hostile.",
  },
  BANK_UNLOGGED: {
    text: "The quote covers a bank that the firmware's log doesn't announce.",
    cause: "The bank is active in the TPM and the firmware doesn't fill it, so anybody can. Switch all banks but SHA-256 off in the firmware's setup.",
  },
  BANK_INCONSISTENT: {
    text: "A bank that the firmware's log announces isn't told by the logs' own events.",
    cause: "The firmware or systemd leaves a bank empty, or somebody filled it. Switch all banks but SHA-256 off in the firmware's setup.",
  },
  USERSPACE_LOG_MALFORMED: {
    text: "The log of what userspace measured can't be read.",
    cause: "The log was cut or changed. Start the machine anew.",
  },
  LOG_MISMATCH: {
    text: "The logs don't add up to the PCR values that the TPM signed.",
    cause: "Events are missing from the logs or were changed in them, or something extended a PCR without a record. Start the machine anew; if it repeats, treat it as hostile.",
  },
  SEPARATOR_WRONG: {
    text: "A firmware PCR hasn't exactly one good separator.",
    cause: "The firmware reported an error or its log was rewritten. Look at it with `kubedos-hub inspect eventlog`, then update the firmware.",
  },
  POST_SEPARATOR_EVENT: {
    text: "A firmware PCR has an event after its separator that doesn't belong there.",
    cause: "The firmware measures late, or something that it started did. If this platform is known for it, build the release with the quirk's name.",
  },
  BARRIER_WRONG: {
    text: "Userspace extended a PCR of the firmware with something else than its one barrier.",
    cause: "Something in the running system wrote to the firmware's PCRs or edited systemd's log. Treat the machine as hostile.",
  },
  SECURE_BOOT_OFF: {
    text: "Secure Boot wasn't on when the machine started.",
    cause: "Somebody switched it off or started from other variables. Switch it on, or stamp the machine again.",
  },
  SECURE_BOOT_VARIABLE_WRONG: {
    text: "One of Secure Boot's variables isn't measured as it must be.",
    cause: "The log was rewritten, or the firmware measures something of its own. Look at PCR 7 with `kubedos-hub inspect eventlog`.",
  },
  SECURE_BOOT_AUTHORITY_WRONG: {
    text: "An image was allowed by no certificate, or by one that isn't in db.",
    cause: "The log was rewritten, or a shim with keys of its own was started. Stamp the machine again.",
  },
  NO_RELEASE: {
    text: "No release is current, so there is nothing to compare with.",
    cause: "The hub has no delivered release, or all were withdrawn. Deliver one with `kubedos-build deploy`.",
  },
  ROLE_UNKNOWN: {
    text: "No current release has an image of the claimed role.",
    cause: "The machine was stamped from a release that is no longer current. Stamp it again from the current one.",
  },
  ROLE_MISMATCH: {
    text: "The machine runs the image of another role than it claims or is pinned to.",
    cause: "It was stamped with the wrong image, or its EK is pinned to another slot. Compare `kubedos-hub node show` with the pin file.",
  },
  RELEASE_WITHDRAWN: {
    text: "The machine runs an image of a release that an operator withdrew.",
    cause: "It was stamped before the withdrawal and not since. Stamp it again from a current release; `kubedos-hub release list` shows them.",
  },
  RELEASE_NOT_CURRENT: {
    text: "The machine runs an image of a release that this hub knows, but that isn't current.",
    cause: "The release is staged and was not activated yet, or it is older than what this hub has taken since. Compare with `kubedos-hub release list`.",
  },
  BOOT_FAILED: {
    text: "The machine itself reported a failed boot step and must not go on.",
    cause: "Init or agent met an error and extended `kubedos-failed`. Read the machine's console and start it anew.",
  },
  NO_RULE: {
    text: "The release has no rule for a PCR that is quoted.",
    cause: "The release was made by a builder of another version. Build it again.",
  },
  PCR_MISMATCH: {
    text: "The machine started something else than the release's image.",
    cause: "The image was altered, or built from another release. Compare the event below, then stamp the machine again.",
  },
  SECURE_BOOT_POLICY_WRONG: {
    text: "Secure Boot's keys aren't the release's, or its forbidden list is shorter.",
    cause: "Somebody added a key or removed an entry of dbx. Write the variables anew, then start the machine.",
  },
  BARRIER_MISSING: {
    text: "The release's systemd ends the firmware's part with a barrier, and this machine has none.",
    cause: "The barrier's unit didn't run, or the image's systemd is another. Read the machine's console and start it anew.",
  },
  QUIRK_REFUSED: {
    text: "The logs pass only with a quirk that this image doesn't list.",
    cause: "Another platform's release has it. Build the release of this platform with the quirk's name if its firmware needs it.",
  },
  PHASE_WRONG: {
    text: "The words in PCR 11 aren't those of a good start, in their order.",
    cause: "Something asked before the agent was ready, or extended words of its own. Start the machine anew and look at its units.",
  },
  PCR_NOT_ZERO: {
    text: "Something was handed to the boot loader from outside.",
    cause: "Whoever owns the hypervisor or the boot partition injected a command line, a credential or an extension. Remove it and start the machine anew.",
  },
  FIRMWARE_CHANGED: {
    text: "The firmware differs from the one recorded at this machine's approval.",
    cause: "The firmware, its settings or the virtual hardware changed. If you did it, approve the machine anew, or many with `kubedos-hub firmware list`.",
  },
  JUDGE_FAILED: {
    text: "A check broke instead of answering, which counts as no.",
    cause: "This is a fault of the verifier, met by evidence that nobody foresaw. Report it with the hub's log.",
  },
} as const satisfies Readonly<Record<string, CodeText>>;

/** Closed list of the reasons for a refusal. */
export type AttestCode = keyof typeof ATTEST_CODES;
