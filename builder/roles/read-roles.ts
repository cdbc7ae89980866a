import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { BuildError } from "../error.ts";
import { projectDir } from "../release/source-digest.ts";
import { readRole, ROLE_FILE } from "./read-role.ts";
import type { RoleDefinition } from "./role.ts";

/** Ours, in the checkout. */
const SHIPPED = join(projectDir, "roles");
/** Folders beside a user's spec: roles of his own, and keys of third-party origins that he vouches for. */
const [OWN_ROLES, ORIGIN_KEYS] = ["roles", "apt-keys"];

/**
 * Every role that a spec may name: ours, and those beside `specFile`, sorted by name. One of ours is replaced by none: that would be another
 * thing under a known name. Throws SpecError, BuildError `ROLE_EXISTS`, `BAD_ORIGIN_KEY`.
 */
export async function readRoles(specFile?: string): Promise<readonly RoleDefinition[]> {
  const beside = specFile === undefined ? undefined : dirname(resolve(specFile));
  const keysDir = beside === undefined ? undefined : join(beside, ORIGIN_KEYS);
  const shipped = await readFolder(SHIPPED, keysDir);
  const own = beside === undefined || join(beside, OWN_ROLES) === SHIPPED ? [] : await readFolder(join(beside, OWN_ROLES), keysDir);
  const clash = own.find((role) => shipped.some((r) => r.name === role.name));
  if (clash !== undefined) throw new BuildError("ROLE_EXISTS", `${clash.dir} has the name of a role that kubedos brings`, "give the folder and the role another name");
  return [...shipped, ...own].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The role of this name. Throws BuildError `UNKNOWN_ROLE`. */
export function findRole(roles: readonly RoleDefinition[], name: string): RoleDefinition {
  const role = roles.find((r) => r.name === name);
  if (role === undefined) throw new BuildError("UNKNOWN_ROLE", `there is no role "${name}"; known are ${roles.map((r) => r.name).join(", ")}`, `for one of your own, put roles/${name}/role.yaml beside the spec`);
  return role;
}

async function readFolder(dir: string, keysDir: string | undefined): Promise<readonly RoleDefinition[]> {
  if (!existsSync(dir)) return [];
  const names = (await readdir(dir)).filter((name) => existsSync(join(dir, name, ROLE_FILE))).sort();
  return await Promise.all(names.map((name) => readRole(join(dir, name), keysDir)));
}
