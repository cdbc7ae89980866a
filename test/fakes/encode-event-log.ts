import type { LoggedEvent, UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";

/** Inverse of parseEventLog, so that tests can change one thing in a real log. */
export function encodeEventLog(log: Pick<UnverifiedEventLog, "banks" | "events">): Uint8Array {
  const w = new ByteWriter().bytes(encodeHeader(log.banks));
  for (const event of log.events) w.bytes(encodeEvent(event, log.banks));
  return w.done();
}

/** TCG_PCR_EVENT with TCG_EfiSpecIDEvent; the banks are written as they are given, wrong ones too. */
export function encodeHeader(banks: readonly { readonly id: number; readonly size: number }[]): Uint8Array {
  const data = new ByteWriter().bytes(utf8("Spec ID Event03\0")).u32le(0).u8(0).u8(2).u8(0).u8(2).u32le(banks.length);
  for (const { id, size } of banks) data.u16le(id).u16le(size);
  const bytes = data.u8(0).done();
  return new ByteWriter().u32le(0).u32le(3).bytes(new Uint8Array(20)).u32le(bytes.length).bytes(bytes).done();
}

/** TCG_PCR_EVENT2. */
export function encodeEvent(event: Pick<LoggedEvent, "pcr" | "type" | "digests" | "data">, banks: readonly { readonly id: number }[]): Uint8Array {
  const w = new ByteWriter().u32le(event.pcr).u32le(event.type).u32le(event.digests.length);
  for (const [i, digest] of event.digests.entries()) w.u16le(banks[i]?.id ?? 0).bytes(digest);
  return w.u32le(event.data.length).bytes(event.data).done();
}
