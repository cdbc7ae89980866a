import type { DetailedPeerCertificate, PeerCertificate } from "node:tls";
import { type Identity, verifyIdentity } from "../../../proto/pki/verify.ts";

/** Most certificates of a server that are looked at; ours sends two. */
const MAX_CHAIN = 4;

/**
 * The DER chain that the server sent, leaf first, without the root that was added from our own trust. `raw` fields come
 * from the TLS library; the chain ends where a certificate is its own issuer.
 */
export function peerChain(certificate: PeerCertificate | DetailedPeerCertificate): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let at: PeerCertificate | DetailedPeerCertificate | undefined = certificate;
  while (at?.raw !== undefined && chain.length < MAX_CHAIN) {
    const issuer: PeerCertificate | undefined = "issuerCertificate" in at ? at.issuerCertificate : undefined;
    if (issuer?.raw !== undefined && Buffer.compare(issuer.raw, at.raw) === 0) break;
    chain.push(new Uint8Array(at.raw));
    at = issuer;
  }
  return chain;
}

/** Checks that a TLS server is the hub of `cluster` under `rootPem`. Throws PkiError. */
export function verifyHub(certificate: PeerCertificate, q: { readonly cluster: string; readonly rootPem: string; readonly now: Date }): Identity {
  return verifyIdentity({ chain: peerChain(certificate), root: q.rootPem, role: "hub", cluster: q.cluster, now: q.now });
}
