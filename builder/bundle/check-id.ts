import { BundleError } from "./error.ts";

/** Whether this program makes the release of the bundle at all; said before anything is built. Throws BundleError `OTHER_BUILDER`. */
export function checkId(id: string, expected: string | undefined): void {
  if (expected === undefined || id === expected) return;
  throw new BundleError("OTHER_BUILDER", `of these inputs this kubedos-build makes release ${id}, and the bundle's is ${expected}: its sources are others`, "unpack rebuild/builder.tar of the bundle and run bin/kubedos-build of that");
}
