/**
 * What an operator may do, from least to most; each may all that those before it may. `read-only` sees; `approver` decides about machines
 * (windows, approve, deny, revoke); `admin` also about what machines are judged by (pins, releases). The role stands in the operator's
 * certificate, so that nodes know it as well as the hub does.
 */
export const OPERATOR_ROLES = ["read-only", "approver", "admin"] as const;

/** One of {@link OPERATOR_ROLES}. */
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

/** Whether an operator of role `has` may do what needs `needs`. */
export function mayDo(has: OperatorRole, needs: OperatorRole): boolean {
  return OPERATOR_ROLES.indexOf(has) >= OPERATOR_ROLES.indexOf(needs);
}
