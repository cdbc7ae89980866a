import type { TpmCommand } from "./command.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { CapabilityPage } from "./commands/get-capability.ts";
import { TpmError } from "./tpm-error.ts";

/**
 * All pages of a capability whose items are numbers from `first` to `last`. Rejects with TpmError `MALFORMED` when the
 * TPM lists anything outside, so that what comes back may be flushed unseen.
 */
export async function listCapability(
  queue: CommandQueue,
  range: { readonly first: number; readonly last: number },
  page: (first: number) => TpmCommand<CapabilityPage<number>>,
): Promise<readonly number[]> {
  const items: number[] = [];
  for (let next = range.first; next <= range.last; ) {
    const { more, items: some } = await queue.run(page(next));
    if (some.some((item) => item < range.first || item > range.last)) {
      throw new TpmError("MALFORMED", "TPM2_GetCapability lists what was not asked for");
    }
    items.push(...some);
    // A resource manager's handles descend, hence the maximum.
    const after = Math.max(...some) + 1;
    if (!more || after <= next) break;
    next = after;
  }
  return items;
}
