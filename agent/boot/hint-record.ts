import { type Hint, HINT_PREFIX, parseHint } from "../../proto/hint/hint.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { readOemStrings } from "./smbios.ts";

/** What was found where a hint may stand. Untrusted: it decides about reachability and nothing else (DESIGN §2.4). */
export interface HintRecord {
  readonly hint: Hint | null;
  /** The text as it was found, for the claims; null where there was none, more than one, or more than 1 KiB. */
  readonly raw: string | null;
  /** Why what was found isn't used, in words. */
  readonly refused: string | null;
}

const NONE: HintRecord = { hint: null, raw: null, refused: null };
const MAX_CLAIMED_CHARS = 1024;

/** SMBIOS table → hint record. A bad one is reported, not fatal: the machine then asks DHCP. Never throws. */
export function findHint(table: Uint8Array | null): HintRecord {
  if (table === null) return NONE;
  let records: readonly string[];
  try {
    records = readOemStrings(table).filter((s) => s.startsWith(HINT_PREFIX));
  } catch (error) {
    return { ...NONE, refused: errorChain(error) };
  }
  const text = records[0]?.slice(HINT_PREFIX.length);
  if (text === undefined) return NONE;
  // Two records would let the reader decide which one counts.
  if (records.length > 1) return { ...NONE, refused: `${records.length} hint records, one is allowed` };
  const raw = text.length <= MAX_CLAIMED_CHARS ? text : null;
  try {
    return { hint: parseHint(text), raw, refused: null };
  } catch (error) {
    return { hint: null, raw, refused: errorChain(error) };
  }
}
