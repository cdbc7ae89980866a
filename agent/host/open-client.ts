import { TpmClient } from "../../proto/tpm/client.ts";
import { openTpm } from "./open-tpm.ts";

/** The TPM's commands over what `spec` names, see {@link openTpm}. */
export async function openClient(spec: string): Promise<TpmClient> {
  const client = new TpmClient(await openTpm(spec));
  // Behind a socket nobody cleans up after an agent that was killed.
  if (!spec.startsWith("/dev/")) await client.flushStale();
  return client;
}
