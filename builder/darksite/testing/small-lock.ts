import { type Lock, lockSchema } from "../../lock/lock.ts";
import type { LockExtras } from "../../lock/extras.ts";
import type { SmallArchive } from "../../lock/testing/small-archive.ts";

/** A lock of four packages of such an archive, for tests; their names sort as they stand. */
export async function smallLock(archive: SmallArchive, extras: LockExtras = {}): Promise<Lock> {
  const names = ["linux-image-1", "one", "stub", "two-c++"];
  const packages = await archive.publish("trixie", names.map((name) => ({ name, ...(name === "two-c++" ? { version: "1:2.0~rc1+x-1" } : {}) })));
  return lockSchema.parse({
    kind: "kubedos/lock",
    version: 1,
    architecture: "amd64",
    kernel: "linux-image-1",
    stub: "stub",
    origins: [archive.origin("small", "trixie")],
    sets: [{ name: "base", wanted: ["linux-image-1", "one", "two-c++"] }, { name: "toolchain", wanted: ["stub"] }],
    packages: packages.map((p) => ({ ...p, in: [p.name === "stub" ? "toolchain" : "base"] })),
    ...extras,
  });
}
