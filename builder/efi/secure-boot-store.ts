import { makeVariableStore } from "./variable-store.ts";
import { SECURE_BOOT_SETTINGS, type SecureBootKeys, secureBootVariables } from "./secure-boot-variables.ts";

/** OVMF's variable store with these keys and Secure Boot on, before the first instruction. A function of the keys alone. */
export function secureBootStore(keys: SecureBootKeys): Uint8Array {
  const { pk, kek, db, dbx } = secureBootVariables(keys);
  return makeVariableStore([...SECURE_BOOT_SETTINGS, pk, kek, db, dbx]);
}
