import type { Bank } from "../../proto/eventlog/bank.ts";
import type { UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { extendAll, initialPcr } from "../../proto/eventlog/replay.ts";
import { digest, type HashAlg } from "../../proto/tpm/alg.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { digestIn } from "./banks.ts";
import type { MeasuredEvent, MeasuredPcr } from "./measured-boot.ts";

/** One PCR's value by bank. */
export type BankValues = ReadonlyMap<HashAlg, Uint8Array>;

/** What one event extended, by bank. */
export type BankDigests = ReadonlyMap<HashAlg, Uint8Array>;

type Banks = Pick<UnverifiedEventLog, "banks">;

/** A shown event's digests. replayBank has seen to it that each bank is told. */
export function digestsOf({ banks }: Banks, event: MeasuredEvent): BankDigests {
  return new Map(banks.map((bank, at) => [bank.id, bank.name === "sha256" ? event.digest : (digestIn(bank, at, event) ?? new Uint8Array(bank.size))]));
}

/** Digests of a text that userspace measures. */
export function digestsOfText({ banks }: Banks, text: Uint8Array): BankDigests {
  return new Map(banks.map(({ id }) => [id, digest(id, text)]));
}

/** Digests of an event that is known by its SHA-256 alone (hex): in other banks it is told by an event of this PCR with the same, or by nobody. */
export function digestsOfKnown(log: Banks, pcr: MeasuredPcr, sha256: string): BankDigests | null {
  const { banks } = log;
  if (banks.every((bank) => bank.name === "sha256")) return new Map(banks.map(({ id }) => [id, fromHex(sha256)]));
  const same = pcr.events.find((event) => toHex(event.digest) === sha256);
  return same === undefined ? null : digestsOf(log, same);
}

/** A PCR before its first event. */
export function startOf({ banks }: Banks, pcr: number, startupLocality: number): BankValues {
  return new Map(banks.map(({ id, size }) => [id, initialPcr(pcr, size, startupLocality)]));
}

/** A PCR after these events, in each bank that it has a value of. */
export function extendBanks({ banks }: Banks, before: BankValues, events: readonly BankDigests[]): BankValues {
  const after = ({ id, name, size }: Bank): Uint8Array => extendAll(name, before.get(id) ?? new Uint8Array(size), events.map((e) => e.get(id) ?? new Uint8Array(size)));
  return new Map(banks.filter(({ id }) => before.has(id)).map((bank) => [bank.id, after(bank)]));
}
