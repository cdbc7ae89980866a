import { QUIRK_NAMES, type Quirk } from "../../proto/eventlog/quirk.ts";
import { checkBarriers } from "./barriers.ts";
import { checkBanks } from "./banks.ts";
import type { LogDigests } from "./binding.ts";
import { checkBootFailed } from "./boot-failed.ts";
import { type ExplainMismatch, isQuoted, type MeasuredBoot, type OtherBanks, pcrValues, replayBoot } from "./measured-boot.ts";
import type { QuotedDigest } from "./quote.ts";
import { checkSecureBoot, type SecureBootState } from "./secure-boot.ts";
import { checkSeparators } from "./separators.ts";
import type { UnverifiedEvidence } from "./types.ts";

/** Two logs that add up, with all that follows from them alone: no other fact was used, so it holds for everybody with these logs. */
export interface CheckedReplay {
  readonly boot: MeasuredBoot;
  readonly others: OtherBanks;
  readonly barrier: boolean;
  readonly secureBoot: SecureBootState;
  /** Those that were needed, in their table's order. */
  readonly quirks: readonly Quirk[];
  /** Quoted PCRs, hex. */
  readonly pcrs: Readonly<Record<string, string>>;
}

/** Replays by a key over both logs' SHA-256, kept by the caller ({@link ReplayMemory}): machines of one image often have the same logs. */
export interface ReplayCache {
  get(key: string): CheckedReplay | undefined;
  set(key: string, replay: CheckedReplay): void;
}

/**
 * Everything that is judged of the logs alone: they add up to the quote (measured-boot.ts), and separators, barriers, Secure Boot
 * and the machine's own word on its start are good. What the cache has was once checked for the same bytes; the quote's digest
 * is compared each time, and where that fails all is done anew, so that the refusal says why. Throws Refusal.
 */
export function checkReplay(
  logs: Pick<UnverifiedEvidence, "firmwareLog" | "userspaceLog">,
  quoted: { readonly digests: LogDigests; readonly pcrs: QuotedDigest },
  allowed: ReadonlySet<Quirk>,
  { cache, explain }: { readonly cache: ReplayCache | null; readonly explain: ExplainMismatch },
): CheckedReplay {
  const key = cache === null ? "" : keyOf(quoted.digests);
  const seen = cache?.get(key);
  if (seen !== undefined && isQuoted(seen.boot, seen.others, quoted.pcrs)) return seen;
  const { log, boot, others, quirks } = replayBoot(logs, quoted.pcrs, allowed, explain);
  const needed = new Set([...quirks, ...checkSeparators(boot, allowed)]);
  checkBanks(log);
  const barrier = checkBarriers(boot);
  const secureBoot = checkSecureBoot(boot);
  checkBootFailed(boot);
  const replay = { boot, others, barrier, secureBoot, quirks: QUIRK_NAMES.filter((q) => needed.has(q)), pcrs: pcrValues(boot) };
  cache?.set(key, replay);
  return replay;
}

function keyOf({ firmwareLog, userspaceLog }: LogDigests): string {
  return Buffer.concat([firmwareLog, userspaceLog]).toString("latin1");
}
