import { bankIndex, parseEventLog } from "../../proto/eventlog/event-log.ts";
import { isExtended } from "../../proto/eventlog/replay.ts";
import { PHASE_WORDS } from "../../proto/evidence/limits.ts";
import type { TpmClient } from "../../proto/tpm/client.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";

/** Extends what a firmware log says into a fresh TPM's SHA-256 bank. */
export async function measureFirmware(client: TpmClient, firmwareLog: Uint8Array): Promise<void> {
  const log = parseEventLog(firmwareLog);
  const at = bankIndex(log, "sha256");
  for (const event of log.events.filter(isExtended)) await client.extendPcr(event.pcr, event.digests[at] ?? new Uint8Array(32));
}

/** A fresh TPM as firmware and initrd leave it to the agent. */
export async function measureInitrd(client: TpmClient, firmwareLog: Uint8Array): Promise<void> {
  await measureFirmware(client, firmwareLog);
  for (const word of PHASE_WORDS.slice(0, 2)) await client.extendPcr(11, sha256(utf8(word)));
}
