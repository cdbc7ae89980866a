import type { CommandQueue } from "./command-queue.ts";
import { type PcrPage, pcrRead } from "./commands/pcr-read.ts";
import { assertPcrIndex } from "./pcr-selection.ts";
import { TpmError } from "./tpm-error.ts";

const ATTEMPTS = 5;

/**
 * SHA-256 PCRs that were true together: eight come at once, and an extend in between starts the reading again. Rejects
 * with TpmError `NO_BANK` if one is missing, `UNSTABLE` if they change all the time; RangeError on an index over 23.
 */
export async function readPcrs(queue: CommandQueue, pcrs: readonly number[]): Promise<Map<number, Uint8Array>> {
  for (const pcr of pcrs) assertPcrIndex(pcr);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const values = await readOnce(queue, pcrs);
    if (values !== undefined) return values;
  }
  throw new TpmError("UNSTABLE", "PCRs were extended each time they were being read");
}

async function readOnce(
  queue: CommandQueue,
  pcrs: readonly number[],
): Promise<Map<number, Uint8Array> | undefined> {
  const values = new Map<number, Uint8Array>();
  let counter: number | undefined;
  for (let left = [...new Set(pcrs)]; left.length > 0; left = left.filter((pcr) => !values.has(pcr))) {
    const page: PcrPage = await queue.run(pcrRead(left));
    if (page.values.length === 0) throw new TpmError("NO_BANK", `no PCR ${left[0]} in the TPM's SHA-256 bank`);
    if (counter !== undefined && counter !== page.updateCounter) return undefined;
    counter = page.updateCounter;
    for (const [pcr, value] of page.values) values.set(pcr, value);
  }
  return values;
}
