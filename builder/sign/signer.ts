import { randomBytes } from "node:crypto";
import type { Envelope } from "../../proto/dsse/dsse.ts";
import { issueIntermediate } from "../../proto/pki/issue.ts";
import { parseCertificate } from "../../proto/pki/parse-certificate.ts";
import type { OpenKeys } from "../keys/open-keys.ts";
import { importSpki } from "../keys/import-spki.ts";
import { checkUki } from "./check-uki.ts";
import { type DocumentPurpose, readDocument } from "./documents.ts";
import { SignerError } from "./error.ts";
import { signEnvelopeBy } from "./sign-envelope.ts";
import { checkSignedFile, type SignedFileKind } from "./signed-file.ts";
import { signPe } from "./sign-pe.ts";
import { type PolicyRequest, signPolicy } from "./sign-policy.ts";

/** Who a UKI is for. The role is compared with what stands in the image; the release's id is what the caller says, for the log. */
export interface UkiAbout {
  readonly role: string;
  readonly release: string;
}

/** Intermediates that the build host gives to a hub; the operators' one is made with the keys and never again by a signer. */
export type IssuerRole = "hub" | "node";

/**
 * Whoever holds the keys. Requests carry the whole thing to be signed and are checked before they are: a signer is no
 * oracle for digests (DESIGN §4 "Signer"). Throws SignerError.
 */
export interface Signer {
  /** An unsigned UKI of the cluster → the same one with its signature by db. */
  signUki(uki: Uint8Array, about: UkiAbout): Promise<Uint8Array>;
  /** A UKI of the cluster → what its boots may unseal, by the policy key. */
  signPolicy(request: PolicyRequest): Promise<Uint8Array>;
  /** Canonical JSON of the purpose's schema, for the signer's own cluster → envelope by the release key (two, after it was rotated). */
  signDocument(purpose: DocumentPurpose, payload: Uint8Array): Promise<Envelope>;
  /** SubjectPublicKeyInfo (DER) of a hub's issuing key → its intermediate by the root, valid from the root's first day. DER. */
  issueIntermediate(role: IssuerRole, spki: Uint8Array, notAfter: Date): Promise<Uint8Array>;
  /** A finished file of a release of the signer's own cluster → the release key's plain Ed25519 signature, as cosign checks it. */
  signFile(kind: SignedFileKind, data: Uint8Array): Promise<Uint8Array>;
}

/** The keys behind {@link makeFileSigner}. */
export type SignerKeys = Pick<OpenKeys, "cluster" | "owner" | "pk" | "kek" | "db" | "dbKey" | "releaseSigningKeys" | "policySigningKey" | "rootIssuer">;

/** A signer with opened keys, in this process. */
export function makeFileSigner(keys: SignerKeys): Signer {
  return {
    async signUki(uki, about) {
      checkUki(uki, keys.cluster, about.role);
      return await signPe(uki, keys.dbKey, keys.db);
    },
    async signPolicy(request) {
      return await signPolicy(request, keys);
    },
    async signDocument(purpose, payload) {
      const { type, cluster } = readDocument(purpose, payload);
      if (cluster !== keys.cluster) throw new SignerError("OTHER_CLUSTER", `the ${purpose} is for cluster "${cluster}", the keys are for "${keys.cluster}"`);
      return await signEnvelopeBy(type, payload, keys.releaseSigningKeys);
    },
    async issueIntermediate(role, spki, notAfter) {
      const { cluster, rootIssuer: issuer } = keys;
      // From the root's first day: a hub or a node whose clock is behind must still take it. The key is of this boot, so an earlier date gives nothing.
      const { notBefore } = parseCertificate(issuer.certificate);
      return await issueIntermediate({ notBefore, notAfter, serial: new Uint8Array(randomBytes(16)), subjectKey: importSpki(spki), cluster, role, issuer });
    },
    async signFile(kind, data) {
      checkSignedFile(kind, data, keys.cluster, keys.releaseSigningKeys.map((key) => key.publicKey));
      const [current] = keys.releaseSigningKeys;
      if (current === undefined) throw new SignerError("SIGNER_FAILED", "there is no release key");
      return await current.sign(data);
    },
  };
}
