import { distro } from "../distro/current.ts";
import type { Report } from "../toolchain/report.ts";
import type { Lock } from "./lock.ts";
import { type LockedRole, resolveLock } from "./resolve-lock.ts";

/** A lock of today for images of these roles: the distribution's archive, the base list, the toolchain's, and each role's own. Throws LockError or ToolError. */
export async function makeLock(roles: readonly LockedRole[], report: Report, signal?: AbortSignal): Promise<Lock> {
  const { origins, keyring, basePackages: base, toolchainPackages: toolchain, stubPackage: stub, kernelPackage: kernel } = distro;
  return resolveLock({ origins, keyring, base, toolchain, stub, kernel, roles, report, signal });
}
