/** What the TLS connection proved about a peer on the node listener. */
export interface PeerFacts {
  /** SPKI (DER) whose private key the peer holds. */
  readonly spki: Uint8Array;
  /** Source address, for buckets and the audit. */
  readonly source: string;
}
