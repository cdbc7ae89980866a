/** The three kinds of identity under a cluster's root; each has an intermediate of its own (DESIGN §2.1). */
export type PkiRole = "hub" | "node" | "operator";

/**
 * The only subjectAltName of an identity. The role stands in the URI's host because X.509 name constraints on URIs judge
 * the host alone (RFC 5280 §4.2.1.10): so OpenSSL itself refuses a node intermediate that issues for the hub.
 */
export function identityUri(role: PkiRole, cluster: string, name: string): string {
  return `kubedos://${identityHost(role, cluster)}/${name}`;
}

/** The permitted URI host of a role's intermediate. */
export function identityHost(role: PkiRole, cluster: string): string {
  return `${role}.${cluster}`;
}
