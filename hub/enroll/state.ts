import { z } from "zod";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";

const word = z.string().max(128);

/** PCR 0–3 with their events, as hub/attest's `Baseline`: what the approval records. */
export const baselineSchema = z.strictObject({
  values: z.record(z.string(), hexText(32)),
  events: z.record(z.string(), z.array(z.strictObject({ digest: hexText(32), what: word })).max(64)),
});

/**
 * What a passed verdict says of a boot, as far as later decisions need it. Everything in here was covered by the quote;
 * `claimedSlot` and `hubHost` are nevertheless only the hint's word (DESIGN §2.4) and decide about nothing but reachability.
 */
export const bootFactsSchema = z.strictObject({
  role: dnsLabel,
  releaseId: word,
  releaseGeneration: z.int().positive(),
  /** Generations of other current releases that hold the very same image. */
  sharedBy: z.array(z.int().positive()).optional(),
  phase: word,
  anchor: z.enum(["pinned", "certificate", "none"]),
  bootId: word,
  /** SPKI (DER, base64) of the node's TLS key. */
  tls: z.string().max(512),
  /** Curve25519 public keys, base64. */
  wireguard: z.strictObject({ wg1: z.string().max(64), wg2: z.string().max(64), wg3: z.string().max(64) }),
  claimedSlot: dnsLabel.nullable(),
  hubHost: z.ipv4().nullable(),
  /** Quoted PCRs, hex. */
  pcrs: z.record(z.string(), hexText(32)),
  firmware: baselineSchema,
});
/** See {@link bootFactsSchema}. */
export type BootFacts = z.output<typeof bootFactsSchema>;

const facts = bootFactsSchema;
const slot = dnsLabel;
const reason = z.string().max(512);
const because = { code: word, message: z.string().max(2048) };

/**
 * Where an identity stands (DESIGN §4 "Node states"); each state holds only the data that exists then.
 *
 * expected: a slot nobody has asked for. seen: said hello. challenged: has a nonce, has proved nothing.
 * attested: the verdict passed; a moment only. pending, unanchored: a person decides next. approved: may come in, isn't.
 * connected … sealed: has its planes (the later ones belong to convergence). rejected: last verdict failed, or denied.
 * quarantined: failed after it had been approved; its approvals are void, and it stays there whatever it shows later, until an
 * operator acts. `facts` are those of evidence that passed since, but for the old firmware: on them he may approve it anew.
 * fenced, evicted, banned, retired: ended.
 */
export const nodeStateSchema = z.discriminatedUnion("t", [
  z.strictObject({ t: z.literal("expected"), slot }),
  z.strictObject({ t: z.literal("seen") }),
  z.strictObject({ t: z.literal("challenged") }),
  z.strictObject({ t: z.literal("attested"), facts }),
  z.strictObject({ t: z.literal("unanchored"), facts }),
  z.strictObject({ t: z.literal("pending"), facts }),
  z.strictObject({ t: z.literal("approved"), facts, slot }),
  z.strictObject({ t: z.literal("connected"), facts, slot }),
  z.strictObject({ t: z.literal("enrolled"), facts, slot }),
  z.strictObject({ t: z.literal("converging"), facts, slot }),
  z.strictObject({ t: z.literal("ready"), facts, slot }),
  z.strictObject({ t: z.literal("sealed"), facts, slot }),
  z.strictObject({ t: z.literal("rejected"), ...because }),
  z.strictObject({ t: z.literal("quarantined"), ...because, facts: facts.optional() }),
  z.strictObject({ t: z.literal("fenced"), reason }),
  z.strictObject({ t: z.literal("evicted"), reason }),
  z.strictObject({ t: z.literal("banned"), reason }),
  z.strictObject({ t: z.literal("retired"), reason }),
]);
/** See {@link nodeStateSchema}. */
export type NodeState = z.output<typeof nodeStateSchema>;

/** States that hold a slot and so its name and addresses. */
export type SlotState = Extract<NodeState, { readonly slot: string; readonly facts: BootFacts }>;

/** Whether this state holds a slot. */
export function holdsSlot(state: NodeState): state is SlotState {
  return "slot" in state && "facts" in state;
}

/** Whether this state has planes: admitted, and its lease not over. */
export function isAdmitted(state: NodeState): state is Exclude<SlotState, { t: "approved" }> {
  return holdsSlot(state) && state.t !== "approved";
}

/** Facts of the last passed verdict, where the state still rests on them. */
export function factsOf(state: NodeState): BootFacts | null {
  return "facts" in state ? (state.facts ?? null) : null;
}

/** Whether an operator can let this machine in now: it has shown evidence that he can judge, and waits for nothing else. */
export function awaitsOperator(state: NodeState): state is Extract<NodeState, { t: "pending" | "unanchored" | "quarantined" }> & { readonly facts: BootFacts } {
  return (state.t === "pending" || state.t === "unanchored" || state.t === "quarantined") && state.facts !== undefined;
}
