import { createPublicKey, type KeyObject } from "node:crypto";
import { DELIVERY_TYPE, parseDelivery } from "../../proto/release/delivery.ts";
import { parsePins, PINS_TYPE } from "../../proto/release/pins.ts";
import { parseRelease, RELEASE_TYPE } from "../../proto/release/release.ts";
import { type Envelope, signEnvelope } from "../../proto/dsse/dsse.ts";
import type { SecureBootKeys } from "../measure/pcr7.ts";
import { signPe } from "./sign-pe.ts";
import { type PolicyRequest, signPolicy } from "./sign-policy.ts";

/** A document that the release key signs; each purpose has its own schema and DSSE type. */
export type DocumentPurpose = "release" | "delivery" | "pins";

/**
 * Whoever holds the keys. Requests carry the whole thing to be signed and are checked before they are: a signer is no
 * oracle for digests (DESIGN §4 "Signer"). Throws PeError, WireError or RangeError.
 */
export interface Signer {
  /** An unsigned UKI → the same one with its signature by db. */
  signUki(uki: Uint8Array): Promise<Uint8Array>;
  /** A UKI → what its boots may unseal. */
  signPolicy(request: PolicyRequest): Promise<Uint8Array>;
  /** Canonical JSON of the purpose's schema, for the signer's own cluster → envelope. */
  signDocument(purpose: DocumentPurpose, payload: Uint8Array): Promise<Envelope>;
}

/** The keys behind {@link makeFileSigner}. */
export interface SignerKeys extends SecureBootKeys {
  readonly cluster: string;
  readonly dbKey: KeyObject;
  readonly releaseSigningKey: KeyObject;
  readonly policySigningKey: KeyObject;
}

const documents = {
  release: { type: RELEASE_TYPE, parse: parseRelease },
  delivery: { type: DELIVERY_TYPE, parse: parseDelivery },
  pins: { type: PINS_TYPE, parse: parsePins },
} as const satisfies Record<DocumentPurpose, unknown>;

/** A signer with the keys of an opened key directory, in this process. */
export function makeFileSigner(keys: SignerKeys): Signer {
  const releaseKey = createPublicKey(keys.releaseSigningKey);
  return {
    async signUki(uki) {
      return signPe(uki, keys.dbKey, keys.db);
    },
    async signPolicy(request) {
      return signPolicy(request, keys);
    },
    async signDocument(purpose, payload) {
      const { type, parse } = documents[purpose];
      const { cluster } = parse(payload);
      if (cluster !== keys.cluster) throw new RangeError(`the ${purpose} is for cluster "${cluster}", the keys are for "${keys.cluster}"`);
      return signEnvelope(type, payload, keys.releaseSigningKey, releaseKey);
    },
  };
}
