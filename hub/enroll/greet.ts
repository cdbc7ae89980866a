import { EVIDENCE_LIMITS } from "../../proto/evidence/limits.ts";
import type { Hello } from "../../proto/gen/kubedos/v1/node.ts";
import { makeCredential } from "../../proto/tpm/credential.ts";
import { nameOf, parsePublic } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { Challenge, LastClock } from "../attest/types.ts";
import type { ShownCertificate } from "../db/ek-certificates.ts";
import type { Identity } from "../db/identities.ts";
import { HubError } from "../error.ts";
import type { HubContext } from "./hub-context.ts";
import { identityId } from "./identity-id.ts";
import type { PeerFacts } from "./peer-facts.ts";
import { DENIED } from "./step.ts";

/** The protocol of node.proto. */
const PROTOCOL = 1;
const MAX_WORD = 64;
/** The EK's certificate and up to 16 parts of its chain, each at most as large as an NV index. */
const MAX_CERTIFICATES = 17;
const MAX_CERTIFICATE_BYTES = 8 * 1024;
/** A challenge lives this long; a slow TPM under emulation needs a few seconds. */
export const CHALLENGE_TTL_MS = 60_000;
/** How long a denial holds; the operator who changes his mind lets it run out. */
export const DENIAL_MS = 3_600_000;

/** What the stream remembers between Hello and Evidence; used for one evidence and dropped before it is judged. */
export interface Greeting {
  readonly id: string;
  readonly ekPublic: Uint8Array;
  readonly akPublic: Uint8Array;
  /** The EK's certificate as the hello had it, looked at with the evidence alone; null at a renewal: what was shown before counts. */
  readonly shown: ShownCertificate | null;
  readonly challenge: Challenge;
  /** Newest clock of this EK when the challenge was made: its answer is younger, in whatever order answers arrive. */
  readonly lastClock: LastClock | null;
  /** What goes to the TPM. */
  readonly credentialBlob: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/** A hello that the hub doesn't answer with a challenge, with the time after which asking again makes sense (0: never). */
export class GreetingRefused extends HubError {
  readonly retryAfterMs: number;
  readonly id: string;

  constructor(code: HubError["code"], message: string, options: { readonly retryAfterMs: number; readonly id?: string }) {
    super(code, message);
    this.retryAfterMs = options.retryAfterMs;
    this.id = options.id ?? "";
  }
}

/**
 * Answers a hello. The order costs a stranger more than us: source's bucket, protocol and sizes, the identity's past,
 * the window; only then keys are parsed into a credential. Throws {@link GreetingRefused}; nothing was changed then.
 */
export function greet(context: HubContext, hello: Hello, peer: PeerFacts): Greeting {
  if (!context.buckets.take(peer.source)) {
    throw new GreetingRefused("RATE_LIMITED", "too many attempts from this address", { retryAfterMs: 10_000 });
  }
  checkShape(hello, context.image.cluster);
  const ekPublic = new Uint8Array(hello.ekPublic);
  const akPublic = new Uint8Array(hello.akPublic);
  const ekName = readEkName(ekPublic, akPublic);
  const known = context.store.identities.byEk(ekName);
  const generation = known?.generation ?? 1;
  const id = known?.id ?? identityId(ekName, generation);
  const past = known === null ? null : pastRefusal(known, context.ports.clock.wallMs());
  if (past !== null) throw past;
  if (!known?.proven && context.store.approvals.valid(ekName, generation).length === 0) checkWindow(context, id);
  const greeting = wrap(() => challengeKeys(context, { id, ekPublic, akPublic }, CHALLENGE_TTL_MS));
  remember(context, { id, ekName, generation, ekPublic }, known);
  const intermediates = hello.ekIntermediates.map((part) => new Uint8Array(part));
  return { ...greeting, shown: { certificate: new Uint8Array(hello.ekCertificate), intermediates } };
}

/** A new challenge for keys that were greeted before, to be answered within `ttlMs`: at hello, and at each renewal. */
export function challengeKeys(context: HubContext, keys: Pick<Greeting, "id" | "ekPublic" | "akPublic">, ttlMs: number): Greeting {
  const { id, ekPublic, akPublic } = keys;
  const { entropy, clock } = context.ports;
  const lastClock = context.store.identities.byEk(toHex(nameOf(ekPublic)))?.lastClock ?? null;
  const secret = entropy.bytes(32);
  const akName = nameOf(akPublic);
  const credential = makeCredential({ ekPublic, akName, secret, entropy: (n) => entropy.bytes(n) });
  const now = clock.monotonicMs();
  const names = { ekName: toHex(nameOf(ekPublic)), akName: toHex(akName) };
  const challenge = { nonce: entropy.bytes(32), secret, verifier: context.verifier, ...names, issuedAt: now, expiresAt: now + ttlMs };
  return { id, ekPublic, akPublic, shown: null, challenge, lastClock, ...credential };
}

function checkShape(hello: Hello, cluster: string): void {
  const max = EVIDENCE_LIMITS.publicArea;
  if (hello.ekPublic.length > max || hello.akPublic.length > max || hello.bootId.length > MAX_WORD || hello.cluster.length > MAX_WORD) {
    throw new GreetingRefused("TOO_LARGE", "a part of the hello is larger than any real one", { retryAfterMs: 0 });
  }
  const certificates = [hello.ekCertificate, ...hello.ekIntermediates];
  if (certificates.length > MAX_CERTIFICATES || certificates.some((c) => c.length > MAX_CERTIFICATE_BYTES)) {
    throw new GreetingRefused("TOO_LARGE", "the endorsement key's certificates are larger than any real ones", { retryAfterMs: 0 });
  }
  if (hello.protocol !== PROTOCOL) {
    throw new GreetingRefused("PROTOCOL_ERROR", `protocol ${hello.protocol} is not spoken here, ${PROTOCOL} is`, { retryAfterMs: 0 });
  }
  if (hello.cluster !== cluster) {
    throw new GreetingRefused("PROTOCOL_ERROR", "the node's image was made for another cluster", { retryAfterMs: 0 });
  }
}

function readEkName(ekPublic: Uint8Array, akPublic: Uint8Array): string {
  return wrap(() => {
    parsePublic(ekPublic);
    parsePublic(akPublic);
    return toHex(nameOf(ekPublic));
  });
}

/** Why an identity's past keeps it out, or null. Asked at hello and again before a verdict counts. */
export function pastRefusal(identity: Identity, nowMs: number): GreetingRefused | null {
  const { state, id } = identity;
  switch (state.t) {
    case "banned":
    case "evicted":
    case "fenced":
    case "retired":
      return new GreetingRefused("IDENTITY_REVOKED", "this identity was revoked", { retryAfterMs: 0, id });
    case "rejected": {
      const left = state.code === DENIED ? identity.stateSinceMs + DENIAL_MS - nowMs : 0;
      return left > 0 ? new GreetingRefused("IDENTITY_DENIED", "an operator denied this identity", { retryAfterMs: Math.ceil(left), id }) : null;
    }
    default:
      return null;
  }
}

function checkWindow(context: HubContext, id: string): void {
  const window = context.store.windows.current(context.ports.clock.wallMs());
  if (window === null) {
    throw new GreetingRefused("WINDOW_CLOSED", "no enrolment window is open", { retryAfterMs: 15_000, id });
  }
  if (window.remaining === 0) {
    throw new GreetingRefused("WINDOW_FULL", "the enrolment window has no place left", { retryAfterMs: 15_000, id });
  }
}

/** Only knows that somebody named this EK; it moves nobody who has proved more (step.ts). */
function remember(context: HubContext, asked: Pick<Identity, "id" | "ekName" | "generation" | "ekPublic">, known: Identity | null): void {
  const now = context.ports.clock.wallMs();
  context.store.transaction(() => {
    const { identities } = context.store;
    const seen = identities.apply(known ?? identities.add(asked, now), { e: "hello" }, now);
    identities.apply(seen, { e: "challenge" }, now);
  });
}

function wrap<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw Object.assign(new GreetingRefused("BAD_REQUEST", "the hello's keys are not a TPM's", { retryAfterMs: 0 }), { cause });
  }
}
