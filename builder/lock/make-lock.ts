import type { RoleDefinition } from "../roles/role.ts";
import { BASE_PACKAGES } from "../rootfs/packages.ts";
import { ARCHIVE_KEYRING, ORIGINS, STUB_PACKAGE, TOOLCHAIN_PACKAGES } from "../toolchain/packages.ts";
import type { Report } from "../toolchain/report.ts";
import type { Lock } from "./lock.ts";
import { resolveLock } from "./resolve-lock.ts";

/** A lock of today for images of these roles: Debian's archive, the base list, the toolchain's, and each role's own. Throws LockError or ToolError. */
export async function makeLock(roles: readonly Pick<RoleDefinition, "name" | "packages">[], report: Report, signal?: AbortSignal): Promise<Lock> {
  return resolveLock({ origins: ORIGINS, keyring: ARCHIVE_KEYRING, base: BASE_PACKAGES, toolchain: TOOLCHAIN_PACKAGES, stub: STUB_PACKAGE, roles, report, signal });
}
