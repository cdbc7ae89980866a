import { judge } from "../../hub/attest/judge.ts";
import type { Verdict } from "../../hub/attest/types.ts";
import type { Judge } from "../../hub/ports.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import type { RecordedNode, Recording } from "./recording.ts";

/**
 * The verdict, for the hub of a replay. A quote also says for which hub and over which connection it was made; both keys are
 * gone with the recorded run, so for a recorded machine the recorded ones stand in their place. All else is the hub's own:
 * nonce, secret, time, releases, pins.
 */
export function recordedJudge(recording: Recording): Judge {
  const nodes = [...recording.nodes.values()];
  return (evidence, challenge, known, ...more) => {
    const node = nodes.find((n) => equalBytes(n.evidence.ekPublic, evidence.ekPublic));
    if (node === undefined) return judge(evidence, challenge, known, ...more);
    return judge(evidence, { ...challenge, verifier: node.challenge.verifier }, { ...known, peerKey: node.peerKey }, ...more);
  };
}

/** The verdict over recorded evidence as `kubedos-hub inspect evidence` gives it: the challenge's time counts as kept. */
export function judgeRecorded(recording: Recording, node: RecordedNode): Verdict {
  const { evidence, challenge, cluster, peerKey, pinnedRole } = node;
  const known = { cluster, peerKey, releases: [recording.release], pinnedRole, ekCertificate: null, baseline: null, lastClock: null, now: 0 };
  return judge(evidence, { ...challenge, issuedAt: 0, expiresAt: 1 }, known);
}
