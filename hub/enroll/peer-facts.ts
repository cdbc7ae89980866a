/** What the TLS connection proved about a peer on the node listener. */
export interface PeerFacts {
  /** SPKI (DER) whose private key the peer holds. */
  readonly spki: Uint8Array;
  /** Slot in its certificate under the node issuer; null for a stranger's self-signed one. */
  readonly name: string | null;
  /** Source address, for buckets and the audit. */
  readonly source: string;
}
