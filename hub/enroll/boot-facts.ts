import { parseHint } from "../../proto/hint/hint.ts";
import type { AttestedFacts, Baseline, LastClock, Verdict } from "../attest/types.ts";
import type { BootFacts } from "./state.ts";

/** The part of a passed verdict that the database keeps. */
export function bootFacts(facts: AttestedFacts): BootFacts {
  const hint = readHint(facts.claims.hint);
  return {
    role: facts.image.role,
    releaseId: facts.release.id,
    releaseGeneration: facts.release.generation,
    ...(facts.sharedBy.length > 0 && { sharedBy: [...facts.sharedBy] }),
    phase: facts.phase,
    anchor: facts.anchor,
    bootId: facts.claims.bootId,
    tls: facts.claims.tls,
    wireguard: facts.claims.wireguard,
    claimedSlot: hint?.slot ?? null,
    hubHost: hint?.hub?.host ?? null,
    pcrs: { ...facts.pcrs },
    firmware: copyBaseline(facts.firmware),
  };
}

/** Clock and boot of the quote behind a verdict; null where it never came to that. */
export function clockOf(verdict: Verdict): LastClock | null {
  if (!verdict.ok) return verdict.clock ?? null;
  const { claims, clock } = verdict.facts;
  return { clock: clock.clock, resetCount: clock.resetCount, restartCount: clock.restartCount, bootId: claims.bootId };
}

function copyBaseline({ values, events }: Baseline): BootFacts["firmware"] {
  return { values: { ...values }, events: Object.fromEntries(Object.entries(events).map(([pcr, list]) => [pcr, [...list]])) };
}

/** Whoever owns the hypervisor wrote it. One that can't be read says nothing, and takes no right away either. */
function readHint(text: string | null): ReturnType<typeof parseHint> | null {
  if (text === null) return null;
  try {
    return parseHint(text);
  } catch {
    return null;
  }
}

/** Public keys of a boot: each belongs to one identity. */
export function keysOf(facts: BootFacts): readonly string[] {
  return [facts.tls, facts.wireguard.wg1, facts.wireguard.wg2, facts.wireguard.wg3];
}
