import type { LockedPackage } from "./lock.ts";

/** A set in words: "the base tree", "the toolchain", "role worker". */
export function describeSet(set: string): string {
  if (set.startsWith("role/")) return `role ${set.slice("role/".length)}`;
  return set === "base" ? "the base tree" : "the toolchain";
}

/** "openssl 3.5.4-1 of the base tree and the toolchain": a package in words. */
export function describeLocked(locked: LockedPackage): string {
  return `${locked.name} ${locked.version} of ${locked.in.map(describeSet).join(" and ")}`;
}
