import type { BankName } from "../../proto/eventlog/bank.ts";
import type { UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { isExtended } from "../../proto/eventlog/replay.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { refuseEvent, refuseField } from "./refusal.ts";

/** The log has the bank that is quoted (P20). SHA-1 alone is no log to judge by. Throws Refusal `SHA1_ONLY` or `LOG_WITHOUT_SHA256`. */
export function checkHasBank(log: UnverifiedEventLog): void {
  const code = log.banks.every((b) => b.name === "sha1") ? "SHA1_ONLY" : log.banks.some((b) => b.name === "sha256") ? null : "LOG_WITHOUT_SHA256";
  if (code === null) return;
  throw refuseField(code, "firmwareLog.banks", { what: "banks of the firmware's log", expected: "sha256 among them", found: log.banks.map((b) => b.name).join(", ") || "none" });
}

/** Digest of a good separator's data, four zeros, in each bank: written down, since not every build of ours has every hash. */
export const SEPARATORS: Readonly<Record<BankName, string>> = {
  sha1: "9069ca78e7450a285173431b3e52c5c25299e473",
  sha256: "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119",
  sha384: "394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc60e1ad9f1289f0",
  sha512: "ec2d57691d9b2d40182ac565032054b7d784ba96b18bcb5be0bb4e70e3fb041eff582c8af66ee50256539f2181d7f9e53627c0189da7e75a4d5ef10ea93b20b3",
  sm3: "afcc870fa20c507995499794371e8c25e3a7310fa72200c109379973ae236845",
  "sha3-256": "8b0a2385d83c8bf7be27e59996f7d881d3bf1fc6606f81ce600b753ad94192a2",
  "sha3-384": "5c3577c1e3caed412fcbd83acbe2dadd09253e2e582c0b4fee5d8e6bab8b3359ab889baf1abd5e8ead09b80bd1bfb282",
  "sha3-512": "82bb78accced463db810e506218ad1ce4d702491a4921d55075985badb2cf73c1f9d9035ca83cf383505dcbea17542943ecdc9e4c476d1c0a97c891af6f2772b",
};

/**
 * The other banks of a firmware log (P20). A quote is over the SHA-256 bank and nothing is ever judged or sealed by another, so
 * another bank can't carry a machine; but what the log announces it must also tell. In each bank each event has a digest that something
 * gives, and each separator that bank's hash of its data: a bank that the firmware left empty, or that somebody else filled, doesn't
 * pass for one. Throws Refusal `BANK_INCONSISTENT`.
 */
export function checkBanks(log: UnverifiedEventLog): void {
  // checkSeparators has seen to the data: four zeros. SHA-256 is held against the quote; a wrong separator there has a code of its own.
  const others = log.banks.flatMap(({ name }, at) => (name === "sha256" ? [] : [{ name, at, separator: fromHex(SEPARATORS[name]) }]));
  const seen = new Map<number, number>();
  for (const event of log.events) {
    if (!isExtended(event)) continue;
    const { pcr } = event;
    const index = seen.get(pcr) ?? 0;
    seen.set(pcr, index + 1);
    for (const { name, at, separator } of others) {
      const digest = event.digests[at] ?? new Uint8Array(0);
      const place = { pcr, index, type: event.typeName, area: `${name} bank`, found: toHex(digest) };
      if (isBlank(digest)) throw refuseEvent("BANK_INCONSISTENT", { ...place, expected: `the ${name} digest of this event` }, `The log's ${name} bank has an event in PCR ${pcr} without a digest.`);
      if (event.type === EVENT_TYPE.EV_SEPARATOR && Buffer.compare(digest, separator) !== 0) {
        const expected = `${SEPARATORS[name]} (separator of four zero bytes)`;
        throw refuseEvent("BANK_INCONSISTENT", { ...place, expected }, `The log's ${name} bank has another separator in PCR ${pcr} than its data gives.`);
      }
    }
  }
}

/** All zeros or all ones: no hash gives that, it is what a bank holds that nobody fills. */
function isBlank(digest: Uint8Array): boolean {
  const [first] = digest;
  return (first === 0 || first === 0xff) && digest.every((byte) => byte === first);
}
