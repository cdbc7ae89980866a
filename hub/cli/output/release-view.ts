import type { HeldRelease } from "../../../proto/gen/kubedos/v1/admin.ts";
import { releaseObject } from "./objects.ts";
import { printable } from "./printable.ts";
import type { View } from "./view.ts";

/** One release after a decision about it. */
export function releaseView(release: HeldRelease): View {
  const reason = release.reason === "" ? "" : `: ${printable(release.reason)}`;
  return {
    object: releaseObject(release),
    names: [release.id],
    human: () => `release ${printable(release.id)}, generation ${release.generation}, is ${printable(release.state)}${reason}`,
  };
}
