import { master } from "./master.ts";
import type { RoleDefinition } from "./role.ts";
import { worker } from "./worker.ts";

/** Every role that images are made for. */
export const roles: readonly RoleDefinition[] = [master, worker];

/** The role of this name; undefined when there is none. */
export function findRole(name: string): RoleDefinition | undefined {
  return roles.find((role) => role.name === name);
}
