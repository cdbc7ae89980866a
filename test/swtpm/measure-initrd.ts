import { type LoggedEvent, parseEventLog, type UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { isExtended } from "../../proto/eventlog/replay.ts";
import { BANKS } from "../../proto/eventlog/bank.ts";
import { parseUserspaceLog } from "../../proto/eventlog/userspace.ts";
import { PHASE_WORDS } from "../../proto/evidence/limits.ts";
import { ALG, type HashAlg } from "../../proto/tpm/alg.ts";
import type { TpmClient } from "../../proto/tpm/client.ts";
import type { BankDigest } from "../../proto/tpm/commands/pcr-event.ts";
import { utf8 } from "../../proto/wire/bytes.ts";

/** Banks that swtpm has; unless its state says otherwise, all of them are active. */
const SWTPM_BANKS: readonly HashAlg[] = [ALG.SHA1, ALG.SHA256, ALG.SHA384, ALG.SHA512];

/** The banks of a machine that left this log. */
export function banksOf(firmwareLog: Uint8Array): readonly HashAlg[] {
  return parseEventLog(firmwareLog).banks.map((bank) => bank.id).filter((id) => SWTPM_BANKS.includes(id));
}

/** An event's digest in each bank that swtpm has. */
export function bankDigests(log: UnverifiedEventLog, event: LoggedEvent): readonly BankDigest[] {
  const digests = log.banks.map(({ id, size }, at) => ({ hash: id, digest: event.digests[at] ?? new Uint8Array(size) }));
  return digests.filter(({ hash }) => SWTPM_BANKS.includes(hash));
}

/** Extends what a firmware log says into a fresh TPM, in the log's banks. */
export async function measureFirmware(client: TpmClient, firmwareLog: Uint8Array): Promise<void> {
  const log = parseEventLog(firmwareLog);
  for (const event of log.events.filter(isExtended)) await client.extendBanks(event.pcr, bankDigests(log, event));
}

/** Extends what a userspace log says, in each record's banks. */
export async function measureUserspace(client: TpmClient, userspaceLog: Uint8Array): Promise<void> {
  for (const { pcr, digests } of parseUserspaceLog(userspaceLog)) {
    const told = BANKS.filter(({ id }) => SWTPM_BANKS.includes(id)).map(({ id, name }) => ({ hash: id, digest: digests.get(name) }));
    await client.extendBanks(pcr, told.filter((one): one is BankDigest => one.digest !== undefined));
  }
}

/** A fresh TPM as firmware and initrd leave it to the agent. */
export async function measureInitrd(client: TpmClient, firmwareLog: Uint8Array): Promise<void> {
  await measureFirmware(client, firmwareLog);
  for (const word of PHASE_WORDS.slice(0, 2)) await client.pcrEvent(11, utf8(word));
}
