import { type OperatorRole, OPERATOR_ROLES } from "./operator-role.ts";

/** The three kinds of identity under a cluster's root; each has an intermediate of its own (DESIGN §2.1). */
export type PkiRole = "hub" | "node" | "operator";

/** Whom a certificate names. */
export type Subject =
  | { readonly role: "hub" | "node"; readonly name: string }
  | { readonly role: "operator"; readonly operatorRole: OperatorRole; readonly name: string };

/**
 * The only subjectAltName of an identity: `kubedos://ROLE.CLUSTER/NAME`, an operator's `kubedos://operator.CLUSTER/OPERATOR-ROLE/NAME`. The
 * role stands in the URI's host because X.509 name constraints on URIs judge the host alone (RFC 5280 §4.2.1.10): so OpenSSL itself refuses a
 * node intermediate that issues for the hub. What an operator may do is no such boundary: one issuer issues for all of them.
 */
export function identityUri(cluster: string, subject: Subject): string {
  const within = subject.role === "operator" ? `${subject.operatorRole}/${subject.name}` : subject.name;
  return `kubedos://${identityHost(subject.role, cluster)}/${within}`;
}

/** The permitted URI host of a role's intermediate. */
export function identityHost(role: PkiRole, cluster: string): string {
  return `${role}.${cluster}`;
}

/** The subject that {@link identityUri} would give this URI; null for every other. Of the name only that it fits the URI is known. */
export function subjectOf(uri: string, role: PkiRole, cluster: string): Subject | null {
  const [first = "", second] = uri.split("/").slice(3);
  const operatorRole = OPERATOR_ROLES.find((one) => one === first);
  let subject: Subject;
  if (role !== "operator") subject = { role, name: first };
  else if (operatorRole !== undefined && second !== undefined) subject = { role, operatorRole, name: second };
  else return null;
  return identityUri(cluster, subject) === uri ? subject : null;
}
