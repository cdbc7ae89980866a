import { VOLUME_PCRS, VOLUME_WORD } from "../../proto/release/volume-policy.ts";
import { policyPcrDigest } from "../../proto/tpm/policy.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { parsePe, type PeImage } from "../pe/parse.ts";
import { authenticodeDigest } from "../sign/authenticode-digest.ts";
import { valueAfter, wordDigest } from "./event.ts";
import { expectPcr11, measuredSections, PCR11_WORDS } from "./pcr11.ts";
import { expectPcr4 } from "./pcr4.ts";
import type { SecureBootKeys } from "../efi/secure-boot-variables.ts";
import { expectPcr7 } from "./pcr7.ts";

/** A PCR policy, 32 bytes, and the PCRs that it is over. */
export interface PcrPolicy {
  readonly pcrs: readonly number[];
  readonly policy: Uint8Array;
}

/** PCR 11 alone, as the stub's specification has it in `.pcrsig`, at the moment in which volumes can be opened. Throws PeError. */
export function phasePolicy(uki: Uint8Array): PcrPolicy {
  return { pcrs: [11], policy: policyPcrDigest(new Map([[11, pcr11(parsePe(uki))]])) };
}

/**
 * The policy for data volumes: {@link VOLUME_PCRS} of a machine that booted this finished UKI with these keys. It can't stand in
 * the UKI: PCR 4 is over the whole file. Throws PeError.
 */
export function volumePolicy(uki: Uint8Array, keys: SecureBootKeys): PcrPolicy {
  const image = parsePe(uki);
  const values = new Map([
    [4, fromHex(valueAfter(expectPcr4(authenticodeDigest(image))))],
    [7, fromHex(valueAfter(expectPcr7(keys)))],
    [11, pcr11(image)],
    [12, new Uint8Array(32)],
  ]);
  return { pcrs: VOLUME_PCRS, policy: policyPcrDigest(values) };
}

function pcr11(image: PeImage): Uint8Array {
  const words = PCR11_WORDS.slice(0, PCR11_WORDS.indexOf(VOLUME_WORD) + 1);
  return fromHex(valueAfter([...expectPcr11(measuredSections(image)), ...words.map((word) => ({ digest: toHex(wordDigest(word)) }))]));
}
