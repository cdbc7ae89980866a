import { ByteReader } from "../wire/reader.ts";
import { bankOf } from "./bank.ts";
import type { Bank } from "./bank.ts";
import { EventLogError } from "./error.ts";
import { EVENT_TYPE } from "./event-type.ts";
import { EVENT_LOG_LIMITS } from "./limits.ts";

const SHA1_BYTES = 20;
const SIGNATURE_BYTES = 16;
/** "Spec ID Event03" and a NUL. */
export const SPEC_ID_SIGNATURE: Uint8Array = new TextEncoder().encode("Spec ID Event03\0");

/**
 * Reads the first event of a log: a TCG_PCR_EVENT (TPM 1.2 shape, little-endian) whose data is a TCG_EfiSpecIDEvent
 * (PC Client Platform Firmware Profile 1.06, 10.4.5.1). Returns the banks in the header's order, which no event's digest
 * list may leave. Throws EventLogError `LEGACY_LOG` for anything that isn't "Spec ID Event03".
 */
export function readSpecId(r: ByteReader): readonly Bank[] {
  const pcr = r.u32le();
  const type = r.u32le();
  const digest = r.bytes(SHA1_BYTES);
  const data = r.sized32le(EVENT_LOG_LIMITS.eventData);
  if (type !== EVENT_TYPE.EV_NO_ACTION || !startsWith(data, SPEC_ID_SIGNATURE)) {
    throw new EventLogError("LEGACY_LOG", "the log doesn't begin with Spec ID Event03: it has the TPM 1.2 format, SHA-1 alone");
  }
  if (pcr !== 0 || digest.some((byte) => byte !== 0)) {
    throw new EventLogError("BAD_HEADER", "the Spec ID event must name PCR 0 and have a zero digest");
  }
  return readBanks(data);
}

/** Whether `data` begins with `prefix`. */
export function startsWith(data: Uint8Array, prefix: Uint8Array): boolean {
  if (data.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (data[i] !== prefix[i]) return false;
  return true;
}

function readBanks(data: Uint8Array): readonly Bank[] {
  const r = new ByteReader(data);
  r.bytes(SIGNATURE_BYTES);
  const platformClass = r.u32le();
  const minor = r.u8();
  const major = r.u8();
  r.u8(); // errata: 0, 2, 105, 106 … all have this layout
  const uintnSize = r.u8();
  if (platformClass > 1 || major !== 2 || minor !== 0 || (uintnSize !== 1 && uintnSize !== 2)) {
    throw new EventLogError("BAD_HEADER", "the Spec ID event isn't that of specification 2.0 for a client or server");
  }
  const count = r.u32le();
  if (count === 0 || count > EVENT_LOG_LIMITS.banks) {
    throw new EventLogError("BAD_HEADER", `the header announces ${count} banks, 1 to ${EVENT_LOG_LIMITS.banks} are allowed`);
  }
  const banks: Bank[] = [];
  for (let i = 0; i < count; i++) banks.push(readBank(r, banks));
  r.bytes(r.u8()); // vendor information
  r.end();
  return banks;
}

function readBank(r: ByteReader, before: readonly Bank[]): Bank {
  const id = r.u16le();
  const size = r.u16le();
  const bank = bankOf(id);
  if (bank === undefined) throw new EventLogError("UNKNOWN_BANK", `the header announces the unknown algorithm 0x${id.toString(16)}`);
  if (bank.size !== size) throw new EventLogError("WRONG_DIGEST_SIZE", `a ${bank.name} digest has ${bank.size} bytes, the header says ${size}`);
  if (before.includes(bank)) throw new EventLogError("DUPLICATE_BANK", `the header announces ${bank.name} twice`);
  return bank;
}
