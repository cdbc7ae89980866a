import { createPublicKey, type KeyObject } from "node:crypto";
import { DARKSITE_TYPE, parseDarksite } from "../../proto/release/darksite.ts";
import { DELIVERY_TYPE, parseDelivery } from "../../proto/release/delivery.ts";
import { parsePins, PINS_TYPE } from "../../proto/release/pins.ts";
import { parseRelease, RELEASE_TYPE } from "../../proto/release/release.ts";
import { type Envelope, signEnvelope } from "../../proto/dsse/dsse.ts";
import { signPe } from "./sign-pe.ts";

/** A document that the release key signs; each purpose has its own schema and DSSE type. */
export type DocumentPurpose = "release" | "delivery" | "pins" | "darksite";

/**
 * Whoever holds the keys. Requests carry the whole thing to be signed and are checked before they are: a signer is no
 * oracle for digests (DESIGN §4 "Signer"). Throws PeError, WireError or RangeError.
 */
export interface Signer {
  /** An unsigned UKI → the same one with its signature by db. */
  signUki(uki: Uint8Array): Promise<Uint8Array>;
  /** Canonical JSON of the purpose's schema, for the signer's own cluster → envelope. */
  signDocument(purpose: DocumentPurpose, payload: Uint8Array): Promise<Envelope>;
}

/** The keys behind {@link makeFileSigner}. */
export interface SignerKeys {
  readonly cluster: string;
  readonly db: Uint8Array;
  readonly dbKey: KeyObject;
  readonly releaseSigningKey: KeyObject;
}

const documents = {
  release: { type: RELEASE_TYPE, parse: parseRelease },
  delivery: { type: DELIVERY_TYPE, parse: parseDelivery },
  pins: { type: PINS_TYPE, parse: parsePins },
  darksite: { type: DARKSITE_TYPE, parse: parseDarksite },
} as const satisfies Record<DocumentPurpose, unknown>;

/** A signer with the keys of an opened key directory, in this process. */
export function makeFileSigner(keys: SignerKeys): Signer {
  const releaseKey = createPublicKey(keys.releaseSigningKey);
  return {
    async signUki(uki) {
      return signPe(uki, keys.dbKey, keys.db);
    },
    async signDocument(purpose, payload) {
      const { type, parse } = documents[purpose];
      const { cluster } = parse(payload);
      if (cluster !== keys.cluster) throw new RangeError(`the ${purpose} is for cluster "${cluster}", the keys are for "${keys.cluster}"`);
      return signEnvelope(type, payload, keys.releaseSigningKey, releaseKey);
    },
  };
}
