import { dropKeys } from "./drop-keys.ts";
import { identifyTpm } from "./identify-tpm.ts";
import { makeClaims } from "./make-claims.ts";
import { makeKeysAfter } from "./make-keys.ts";
import { measureAgent } from "./measure-agent.ts";
import { preparePlanes } from "./prepare-planes.ts";
import type { Step } from "./step.ts";

/**
 * From "this machine was set back or copied" to the point where it can prove itself anew. The TPM is opened again, as it may be
 * in another state than this program remembers; what stands in PCR 11 is read from it, so no word goes in twice.
 */
export function afterFork(fork: string): readonly Step[] {
  return [dropKeys, measureAgent, makeKeysAfter(fork), identifyTpm, makeClaims, preparePlanes];
}
