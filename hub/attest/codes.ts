import type { CodeText } from "./code-text.ts";
import { LOG_CODES } from "./log-codes.ts";

/**
 * Every way in which evidence fails, in the order of the checks. The keys are what machines read; they never change
 * their meaning. `kubedos-hub explain CODE` prints the rest.
 */
export const ATTEST_CODES = {
  EVIDENCE_TOO_LARGE: {
    text: "A part of the evidence is larger than any real one.",
    cause: "Something else than kubedos-agent is talking, or the firmware's log has grown past the limit.",
    next: "kubedos-hub inspect eventlog FILE",
  },
  EK_MALFORMED: {
    text: "The endorsement key's public area can't be read.",
    cause: "Something else than kubedos-agent is talking, or its version doesn't fit the hub's.",
    next: "compare kubedos-agent --version with kubedos-hub --version",
  },
  EK_UNFIT: {
    text: "The endorsement key isn't a restricted decryption key that was made in its TPM and stays there.",
    cause: "The key is no endorsement key by its attributes, algorithm or size.",
    next: "give the machine a TPM 2.0 with an RSA-2048 or P-256 EK, then: kubedos-hub window open",
  },
  AK_MALFORMED: {
    text: "The attestation key's public area can't be read.",
    cause: "Something else than kubedos-agent is talking, or its version doesn't fit the hub's.",
    next: "compare kubedos-agent --version with kubedos-hub --version",
  },
  AK_UNFIT: {
    text: "The attestation key isn't a restricted signing key that was made in its TPM and stays there.",
    cause: "The key was made in software or with other attributes: such a key could sign anything, so it proves nothing.",
    next: "treat the machine as hostile and look at its console; then: kubedos-hub revoke ID --reason TEXT",
  },
  EK_CERTIFICATE_MALFORMED: {
    text: "A certificate of the endorsement key can't be read.",
    cause: "The TPM's maker wrote it against the standard, or it was damaged.",
    next: "allow the quirk that the message names in trust.ekQuirks, if the maker is known for it, then: kubedos-build deploy",
  },
  EK_CERTIFICATE_UNFIT: {
    text: "The certificate isn't one for an endorsement key, or something in its chain may not issue any.",
    cause: "Another certificate was put into the TPM, or a leaf was used as an authority.",
    next: "treat the machine as hostile: kubedos-hub deny ID --reason TEXT",
  },
  EK_CERTIFICATE_KEY_WRONG: {
    text: "The certificate is about another key than this endorsement key.",
    cause: "A genuine certificate of another TPM was shown, or the EK is of another template.",
    next: "compare tpm2_getekcertificate on the machine with: kubedos-hub node show ID",
  },
  EK_CERTIFICATE_EXPIRED: {
    text: "A certificate in the endorsement key's chain isn't valid at this time.",
    cause: "The maker's certificate ran out, or the hub's clock is wrong.",
    next: "look at the hub's clock; then pin the EK: kubedos-hub ek pin SLOT EKNAME",
  },
  EK_CERTIFICATE_REVOKED: {
    text: "A certificate in the endorsement key's chain was revoked.",
    cause: "The maker or an operator withdrew it.",
    next: "take the machine out: kubedos-hub revoke ID --reason TEXT",
  },
  EK_CERTIFICATE_UNTRUSTED: {
    text: "The endorsement key's certificate doesn't lead to a configured root.",
    cause: "The TPM's maker isn't configured, an intermediate is missing, or anybody made this TPM.",
    next: "add the maker's root to trust.ekRoots and deliver it (kubedos-build deploy), or pin the EK: kubedos-hub ek pin SLOT EKNAME",
  },
  CHALLENGE_INVALID: {
    text: "The challenge itself is too short to be one.",
    cause: "This is a fault of the verifier, not of the machine.",
    next: "report it with the hub's log: journalctl -u kubedos-hub",
  },
  CHALLENGE_KEYS_WRONG: {
    text: "The evidence shows other keys than those that the challenge was made for.",
    cause: "Keys were exchanged between the hello and the evidence: somebody mixes two machines.",
    next: "treat both machines as hostile: kubedos-hub audit",
  },
  SECRET_WRONG: {
    text: "The TPM didn't give back the challenge's secret.",
    cause: "The attestation key and the endorsement key don't live in the same TPM, or the answer belongs to another challenge.",
    next: "start the agent anew and let it ask again while a window is open: kubedos-hub window open",
  },
  NONCE_EXPIRED: {
    text: "The answer came after the challenge's end.",
    cause: "The machine or the network is slow.",
    next: "nothing, the agent asks again by itself; if it repeats, look at the machine's load: kubedos-hub audit",
  },
  QUOTE_MALFORMED: {
    text: "The quote or its signature can't be read.",
    cause: "Something else than kubedos-agent is talking, or its version doesn't fit the hub's.",
    next: "compare kubedos-agent --version with kubedos-hub --version",
  },
  SIGNATURE_WRONG: {
    text: "The signature over the quote isn't one by the attestation key in its own scheme.",
    cause: "The quote was changed on its way or signed by another key.",
    next: "treat the machine as hostile: kubedos-hub audit",
  },
  MAGIC_WRONG: {
    text: "What the attestation key signed wasn't made by its TPM.",
    cause: "Somebody had the TPM sign bytes of his own.",
    next: "treat the machine as hostile: kubedos-hub audit",
  },
  TYPE_WRONG: {
    text: "What the attestation key signed is no quote.",
    cause: "Another statement of the same TPM was passed off as a quote.",
    next: "treat the machine as hostile: kubedos-hub audit",
  },
  SIGNER_WRONG: {
    text: "The TPM names another signer than the attestation key under its endorsement hierarchy.",
    cause: "The key has other attributes than it shows, or lies in another hierarchy.",
    next: "compare kubedos-agent --version with kubedos-hub --version; where both fit, treat the machine as hostile",
  },
  SHA1_ONLY: {
    text: "The machine quotes or logs the SHA-1 bank alone.",
    cause: "The TPM's SHA-256 bank is switched off. SHA-1 can be forged.",
    next: "switch the SHA-256 bank on in the firmware's setup, start it anew, then: kubedos-hub pending",
  },
  SELECTION_WRONG: {
    text: "The quote covers other PCRs than 0-7, 9 and 11-14, or not those of the SHA-256 bank.",
    cause: "The agent's version doesn't fit the hub's, or PCRs were to be hidden.",
    next: "compare kubedos-agent --version with kubedos-hub --version; where both fit, treat the machine as hostile",
  },
  BINDING_WRONG: {
    text: "The quote isn't bound to this challenge, this verifier, these claims and these logs.",
    cause: "An old or foreign quote was replayed, or claims or logs were changed after it.",
    next: "start the agent anew; if it repeats, somebody is in between: look at the network between machine and hub, and kubedos-hub audit",
  },
  CLAIMS_MALFORMED: {
    text: "The claims aren't canonical JSON of the known form.",
    cause: "The agent's version doesn't fit the hub's.",
    next: "compare kubedos-agent --version with kubedos-hub --version",
  },
  CLUSTER_WRONG: {
    text: "The machine's image belongs to another cluster.",
    cause: "The machine was stamped from another cluster's release or reaches the wrong hub.",
    next: "look at the machine's hint record and disk",
  },
  TLS_KEY_WRONG: {
    text: "The claims name another TLS key than the connection's.",
    cause: "Evidence of one machine came over the connection of another: somebody is relaying it.",
    next: "find out what stands between machine and hub; where the evidence came from, says: kubedos-hub audit",
  },
  CLOCK_WENT_BACK: {
    text: "The TPM's clock or one of its counters is behind what it has shown before.",
    cause: "An older copy of a virtual TPM's state was started, or a virtual machine was set back.",
    next: "compare the machine's snapshots, then: kubedos-hub revoke ID --reason TEXT",
  },
  CLOCK_FORKED: {
    text: "Two boots claim the same reset of one TPM.",
    cause: "Two copies of one virtual TPM are running.",
    next: "stop both and find out which is yours, then: kubedos-hub revoke ID --reason TEXT",
  },
  ...LOG_CODES,
  NO_RELEASE: {
    text: "No release is current, so there is nothing to compare with.",
    cause: "The hub has no delivered release, or all were withdrawn.",
    next: "kubedos-build deploy",
  },
  ROLE_UNKNOWN: {
    text: "No current release has an image of the claimed role.",
    cause: "The machine was stamped from a release that is no longer current.",
    next: "stamp the machine again from the current release (kubedos-build deploy), then: kubedos-hub window open",
  },
  ROLE_MISMATCH: {
    text: "The machine runs the image of another role than it claims or is pinned to.",
    cause: "It was stamped with the wrong image, or its EK is pinned to another slot.",
    next: "compare kubedos-hub node show ID with kubedos-hub ek list, then stamp the machine with its slot's image (kubedos-build deploy)",
  },
  RELEASE_WITHDRAWN: {
    text: "The machine runs an image of a release that an operator withdrew.",
    cause: "It was stamped before the withdrawal and not since.",
    next: "stamp the machine again from the current release (kubedos-build deploy), then: kubedos-hub window open",
  },
  RELEASE_NOT_CURRENT: {
    text: "The machine runs an image of a release that this hub knows, but that isn't current.",
    cause: "The release is staged and was not activated yet, or it is older than what this hub has taken since.",
    next: "kubedos-hub release list; activate the release, or stamp the machine again from a current one (kubedos-build deploy)",
  },
  BOOT_FAILED: {
    text: "The machine itself reported a failed boot step and must not go on.",
    cause: "Init or agent met an error and extended `kubedos-failed`.",
    next: "read the machine's console (kubedos-build debug) and start it anew",
  },
  NO_RULE: {
    text: "The release has no rule for a PCR that is quoted.",
    cause: "The release was made by a builder of another version.",
    next: "build the release again: kubedos-build build",
  },
  PCR_MISMATCH: {
    text: "The machine started something else than the release's image.",
    cause: "The image was altered, or built from another release.",
    next: "stamp the machine again from the current release (kubedos-build deploy), then: kubedos-hub window open",
  },
  SECURE_BOOT_POLICY_WRONG: {
    text: "Secure Boot's keys aren't the release's, or its forbidden list is shorter.",
    cause: "Somebody added a key or removed an entry of dbx.",
    next: "write Secure Boot's variables anew, start the machine, then: kubedos-hub pending",
  },
  BARRIER_MISSING: {
    text: "The release's systemd ends the firmware's part with a barrier, and this machine has none.",
    cause: "The barrier's unit didn't run, or the image's systemd is another.",
    next: "read the machine's console (kubedos-build debug) and start it anew",
  },
  QUIRK_REFUSED: {
    text: "The logs pass only with a quirk that this image doesn't list.",
    cause: "Another platform's release has it.",
    next: "if this platform's firmware needs the quirk, build its release with the quirk's name: kubedos-build build",
  },
  PHASE_WRONG: {
    text: "The words in PCR 11 aren't those of a good start, in their order.",
    cause: "Something asked before the agent was ready, or extended words of its own.",
    next: "start the machine anew and look at its units on the console",
  },
  PCR_NOT_ZERO: {
    text: "Something was handed to the boot loader from outside.",
    cause: "Whoever owns the hypervisor or the boot partition injected a command line, a credential or an extension.",
    next: "remove what was injected from hypervisor and boot partition, start the machine anew; if it stays, stamp it again (kubedos-build deploy)",
  },
  FIRMWARE_CHANGED: {
    text: "The firmware differs from the one recorded at this machine's approval.",
    cause: "The firmware, its settings or the virtual hardware changed.",
    next: "if you did it, approve the machine anew: kubedos-hub approve ID; many with the same change: kubedos-hub firmware list",
  },
  JUDGE_FAILED: {
    text: "A check broke instead of answering, which counts as no.",
    cause: "This is a fault of the verifier, met by evidence that nobody foresaw.",
    next: "report it with the hub's log: journalctl -u kubedos-hub",
  },
} as const satisfies Readonly<Record<string, CodeText>>;

/** Closed list of the reasons for a refusal. */
export type AttestCode = keyof typeof ATTEST_CODES;
