import { z } from "zod";
import { MAX_ENVELOPE_BYTES } from "../../proto/dsse/dsse.ts";
import { EVIDENCE_LIMITS } from "../../proto/evidence/limits.ts";
import { base64Text } from "../../proto/wire/text.ts";

/** Every request that the mailbox knows; the file is NAME.json, its answer's name is in {@link MAILBOX}. */
export type RequestName = "challenge" | "delivery" | "probe" | "look";

/** What one request may bring, who serves it, and where its answer goes. */
export interface RequestRule {
  /** Bytes of the request file. */
  readonly max: number;
  /** The hub's node alone serves it. */
  readonly hubOnly: boolean;
  readonly answer: string;
}

/** The fixed list (DESIGN §2.15). */
export const MAILBOX: Readonly<Record<RequestName, RequestRule>> = {
  challenge: { max: 16 * 1024, hubOnly: true, answer: "evidence.json" },
  delivery: { max: MAX_ENVELOPE_BYTES, hubOnly: true, answer: "delivery.json" },
  probe: { max: 256, hubOnly: false, answer: "probe.json" },
  look: { max: 256, hubOnly: false, answer: "look.json" },
};

const blob = base64Text(EVIDENCE_LIMITS.publicArea);

/** `in/challenge.json`: the build host asks the hub's node before any network is trusted (DESIGN §2.14). */
export const challengeSchema = z.strictObject({
  nonce: base64Text(32),
  credentialBlob: blob,
  encryptedSecret: blob,
  /** SHA-256(cluster ‖ verifier's SPKI), 32 bytes. */
  verifier: base64Text(32),
});

/** `in/probe.json` and `in/look.json`: nothing in them names a target. */
export const probeSchema = z.strictObject({ id: z.int().min(0) });
