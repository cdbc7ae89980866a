/** What a code of the hub means to people: one sentence, what usually causes it, what to do next. */
export interface CodeText {
  readonly text: string;
  readonly cause: string;
  readonly next: string;
}

/**
 * Every code that the hub gives besides those of the verdict (hub/attest/codes.ts). Servers send it as gRPC metadata
 * `kubedos-code`, the audit keeps it, and `kubedos-hub explain CODE` prints this table. A code never
 * changes its meaning, and none stands in both tables.
 */
export const HUB_CODES = {
  NOT_FOUND: {
    text: "No node matches this id or name.",
    cause: "A typing error, or the node was never seen by this hub.",
    next: "kubedos-hub nodes",
  },
  AMBIGUOUS_ID: {
    text: "More than one node's id begins like this.",
    cause: "The id was shortened too far.",
    next: "kubedos-hub nodes -o wide",
  },
  BAD_REQUEST: {
    text: "The request is not one that the hub understands.",
    cause: "A client of another version, or bytes that no kubedos program wrote.",
    next: "kubedos-hub health",
  },
  TOO_LARGE: {
    text: "A message is larger than the protocol allows.",
    cause: "A firmware log that grew without bound, or bytes that no kubedos program wrote.",
    next: "kubedos-hub audit",
  },
  RATE_LIMITED: {
    text: "Too many attempts in too short a time.",
    cause: "A machine that restarts in a loop, or somebody who tries identities.",
    next: "kubedos-hub audit",
  },
  NOT_AN_OPERATOR: {
    text: "The certificate of the caller is not an operator's of this cluster.",
    cause: "A node's or another cluster's certificate, or an operator's certificate that has ended.",
    next: "kubedos-hub health --identity DIR",
  },
  NOT_PERMITTED: {
    text: "The operator's role isn't enough for what was asked.",
    cause: "read-only sees, approver decides about machines, admin also about pins and releases; the role stands in the operator's certificate.",
    next: "kubedos-build operator issue NAME --role ROLE --keys DIR --out DIR",
  },
  READ_ONLY: {
    text: "The unix socket gives read access only.",
    cause: "Decisions are signed by an operator's own key and come over mutual TLS; nobody decides by being root on the hub.",
    next: "kubedos-hub approve ID --hub HOST:PORT --identity DIR",
  },
  HUB_NOT_READY: {
    text: "The hub has not been attested yet, so it hands out nothing.",
    cause: "The build host has not delivered the hub's certificate and the release.",
    next: "kubedos-build deploy",
  },
  WINDOW_CLOSED: {
    text: "A machine asked while no enrolment window was open.",
    cause: "Nobody opened a window, it ended, or as many machines as it was for have asked.",
    next: "kubedos-hub window open --for 15m --max 4",
  },
  WINDOW_FULL: {
    text: "The enrolment window has let in as many new identities as it was opened for.",
    cause: "More machines are asking than were expected.",
    next: "kubedos-hub pending",
  },
  UNANCHORED: {
    text: "Nobody vouches for this machine's TPM, so anyone's laptop can run one that looks like it.",
    cause: "The machine was started by hand, its TPM was replaced, or it is somebody else's. If you know its EK, pin it with `kubedos-hub ek pin`.",
    next: "kubedos-hub node show ID",
  },
  IDENTITY_REVOKED: {
    text: "An operator revoked this identity; it can't come back.",
    cause: "`kubedos-hub revoke` on this TPM's endorsement key.",
    next: "kubedos-hub audit",
  },
  IDENTITY_DENIED: {
    text: "An operator denied this identity.",
    cause: "`kubedos-hub deny` on this TPM's endorsement key.",
    next: "kubedos-hub audit",
  },
  CONFLICT: {
    text: "The name, key or address already belongs to another identity.",
    cause: "Two machines with one slot, a copied machine, or an approval for a slot that is taken.",
    next: "kubedos-hub nodes",
  },
  ALREADY_DECIDED: {
    text: "The node is no longer waiting for this decision.",
    cause: "Another operator was faster, or the same command ran twice.",
    next: "kubedos-hub node show ID",
  },
  SLOT_UNKNOWN: {
    text: "The cluster has no slot of this name.",
    cause: "A typing error, or a spec that is newer than the pin file the hub holds.",
    next: "kubedos-hub nodes",
  },
  SLOT_MISMATCH: {
    text: "The endorsement key is pinned to another slot.",
    cause: "The approval names a slot other than the one this machine was stamped for.",
    next: "kubedos-hub node show ID",
  },
  EK_MISMATCH: {
    text: "The endorsement key is not the one that the operator named.",
    cause: "Another machine than the intended one stands behind this id.",
    next: "kubedos-hub node show ID",
  },
  APPROVAL_INVALID: {
    text: "The approval's signature or certificate does not hold.",
    cause: "A key that is not an operator's of this cluster, or a statement that was changed on the way.",
    next: "kubedos-hub health --identity DIR",
  },
  APPROVAL_EXPIRED: {
    text: "The approval's time is over.",
    cause: "The statement was signed too long ago, or a clock is wrong.",
    next: "kubedos-hub approve ID",
  },
  APPROVAL_MISMATCH: {
    text: "The approval was signed for something else.",
    cause: "Another machine, slot, generation or release than the one that is waiting now.",
    next: "kubedos-hub approve ID",
  },
  EK_PIN_INVALID: {
    text: "The statement that pins an EK to a slot is not an operator's of this cluster, or is of another time.",
    cause: "A key that is not an operator's, a statement that was changed on the way, or a clock that is wrong.",
    next: "kubedos-hub ek list",
  },
  ANCHOR_CHANGED: {
    text: "An operator pinned this machine's EK, or took its pin away, so it is asked for evidence anew.",
    cause: "`kubedos-hub ek pin` or `kubedos-hub ek unpin`. The machine comes back by itself within moments.",
    next: "kubedos-hub ek list",
  },
  NO_GOOD_EVIDENCE: {
    text: "The node is quarantined and has shown no good evidence since it failed, so there is nothing to approve.",
    cause: "It failed after it was let in, and wasn't started well again. Its own findings say why.",
    next: "kubedos-hub explain ID",
  },
  RELEASE_INVALID: {
    text: "The file is not a release of this cluster under the image's release key.",
    cause: "Another cluster's release, one of other keys, or a file that is no signed release.",
    next: "kubedos-hub release list",
  },
  RELEASE_FINAL: {
    text: "The release was withdrawn, and a withdrawn release can't come back.",
    cause: "`kubedos-hub release withdraw`. What it was withdrawn for needs a release of a higher generation.",
    next: "kubedos-hub release list",
  },
  GENERATION_TAKEN: {
    text: "Another release has this generation already, and approvals tell releases apart by it.",
    cause: "Two builds with the same --generation.",
    next: "kubedos-hub release list",
  },
  ROLLED_BACK: {
    text: "What came is older than what this hub has taken before.",
    cause: "An old delivery or release file, or a database that was lost: the hub's TPM remembers the highest generation.",
    next: "kubedos-hub release list",
  },
  FLOOR_UNREADABLE: {
    text: "The hub's TPM doesn't say which release generation was the highest, so old can't be told from new.",
    cause: "No access to /dev/tpmrm0, a TPM that fails, or one that another cluster's hub used before.",
    next: "journalctl -u kubedos-hub",
  },
  LAST_RELEASE: {
    text: "It is the last current release of a role: without it no machine of that role passes.",
    cause: "No newer release was activated yet. If it has to go anyway, name the risk with --accept-risk=no-current-release.",
    next: "kubedos-hub release list",
  },
  CHALLENGE_EXPIRED: {
    text: "The evidence came too late for its challenge, or the challenge was used already.",
    cause: "A slow TPM, a broken connection, or a replay.",
    next: "kubedos-hub audit",
  },
  LEASE_TIMEOUT: {
    text: "The machine didn't answer when its verdict was to be renewed. That is no verdict: its peers keep it until its lease ends.",
    cause: "It hangs, is overloaded, was suspended, or its network is broken.",
    next: "kubedos-hub node show ID",
  },
  LEASE_ENDED: {
    text: "The last good verdict is too old to count, so the node's peers have dropped it.",
    cause: "The machine or the hub was away for longer than a lease. It comes back by itself when it attests well.",
    next: "kubedos-hub node show ID",
  },
  MASS_REMOVAL_HELD: {
    text: "By the hub's own computation most nodes would lose their place at once, so it removed none of them.",
    cause: "Approvals that no longer hold for many nodes: a delivery with other pins or another operator issuer, or a damaged database. Each node still goes when its lease ends.",
    next: "kubedos-hub audit",
  },
  PROTOCOL_ERROR: {
    text: "The node sent a message that is not allowed at this point.",
    cause: "An agent of another version, or somebody who tries the protocol.",
    next: "kubedos-hub audit",
  },
  PLANE_FULL: {
    text: "The plane has no address left for this slot.",
    cause: "The slot's index lies outside of the plane's network.",
    next: "kubedos-build check SPEC",
  },
  SUPERSEDED: {
    text: "A newer stream of the same identity took this one's place.",
    cause: "The agent dialled again after its connection broke.",
    next: "kubedos-hub node show ID",
  },
  CLONE_DETECTED: {
    text: "Two machines answer as one TPM, so the identity is quarantined and neither is let in.",
    cause: "A virtual machine was copied together with its virtual TPM's state, or a snapshot of it was started while the original runs. Stop both and find out which is yours.",
    next: "kubedos-hub audit --limit 1000 -o jsonl",
  },
  AUDIT_BROKEN: {
    text: "The chain of the audit does not add up: a row was changed, removed or cut off.",
    cause: "Somebody wrote to the database, or it was restored from a copy.",
    next: "kubedos-hub audit --limit 1000 -o jsonl",
  },
  INTERNAL: {
    text: "The hub met an error of its own; nothing was decided.",
    cause: "A fault in the hub or in the machine below it, for instance a full disk.",
    next: "journalctl -u kubedos-hub",
  },
} as const satisfies Readonly<Record<string, CodeText>>;

/** Closed union of {@link HUB_CODES}. */
export type HubCode = keyof typeof HUB_CODES;

/** Whether foreign text names a code of the hub. */
export function isHubCode(text: string): text is HubCode {
  return Object.hasOwn(HUB_CODES, text);
}
