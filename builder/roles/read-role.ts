import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { readObject } from "../../proto/spec/read-object.ts";
import { checkRole } from "./check-role.ts";
import { readOriginKeys } from "./read-origin-keys.ts";
import { type RoleDefinition, roleSchema, type ThirdParty } from "./role.ts";

/** The file in a role's folder. */
export const ROLE_FILE = "role.yaml";
const OVERLAY = "overlay";

/**
 * Reads `dir/role.yaml`. Keys of third-party origins are looked for in the role's folder, then in `keysDir`. Throws SpecError with line and
 * hint, BuildError `BAD_ORIGIN_KEY`, or the file system's error.
 */
export async function readRole(dir: string, keysDir?: string): Promise<RoleDefinition> {
  const file = join(dir, ROLE_FILE);
  const { value, fault } = readObject(roleSchema, await readFile(file, "utf8"), file, "role");
  const found = checkRole(value, basename(dir), fault);
  if (found !== undefined) throw found;
  const { apiVersion: _, kind: __, metadata, thirdParty, ...fields } = value;
  const folders = keysDir === undefined ? [dir] : [dir, keysDir];
  const parts: ThirdParty[] = [];
  for (const part of thirdParty) {
    const keys = await readOriginKeys(folders, part.origin.name);
    parts.push(keys === undefined ? part : { ...part, keys });
  }
  const overlay = join(dir, OVERLAY);
  return { ...fields, name: metadata.name, dir, thirdParty: parts, ...(existsSync(overlay) ? { overlay } : {}) };
}
