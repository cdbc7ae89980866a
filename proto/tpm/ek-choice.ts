import type { TpmClient } from "./client.ts";
import type { LoadedKey } from "./commands/create-primary.ts";
import type { KeyKind } from "./templates.ts";
import { TpmError } from "./tpm-error.ts";

/** NV indexes of the EK's certificate for the low-range templates (TCG EK Credential Profile 2.5, 2.2.1.4). */
export const EK_CERTIFICATE_INDEX: Readonly<Record<KeyKind, number>> = { rsa: 0x01c00002, ecc: 0x01c0000a };

/**
 * Which EK a TPM is known by, from the NV indexes that it has: the P-256 one, unless the maker certified the RSA one alone. Whoever stamps a
 * machine and the agent on it ask the same, since each EK has another Name.
 */
export function chooseEk(nvIndexes: readonly number[]): KeyKind {
  const { rsa, ecc } = EK_CERTIFICATE_INDEX;
  return nvIndexes.includes(rsa) && !nvIndexes.includes(ecc) ? "rsa" : "ecc";
}

/** Loads the EK of {@link chooseEk}; RSA-2048 where the TPM has no P-256 EK. A TPM that doesn't answer rejects: it must not get another name by it. */
export async function createChosenEk(tpm: Pick<TpmClient, "createEk" | "getHandles">): Promise<LoadedKey> {
  if (chooseEk(await tpm.getHandles("nvIndex")) === "rsa") return await tpm.createEk("rsa");
  try {
    return await tpm.createEk("ecc");
  } catch (cause) {
    if (cause instanceof TpmError && cause.code === "REFUSED") return await tpm.createEk("rsa");
    throw cause;
  }
}
