import { parseHint } from "../../proto/hint/hint.ts";
import type { AttestedFacts, Baseline, LastClock } from "../attest/types.ts";
import { type BootFacts, factsOf, type NodeState } from "./state.ts";

/** The part of a passed verdict that the database keeps. */
export function bootFacts(facts: AttestedFacts): BootFacts {
  const hint = readHint(facts.claims.hint);
  return {
    role: facts.image.role,
    releaseId: facts.release.id,
    releaseGeneration: facts.release.generation,
    phase: facts.phase,
    anchor: facts.anchor,
    bootId: facts.claims.bootId,
    tls: facts.claims.tls,
    wireguard: facts.claims.wireguard,
    claimedSlot: hint?.slot ?? null,
    hubHost: hint?.hub?.host ?? null,
    pcrs: { ...facts.pcrs },
    firmware: copyBaseline(facts.firmware),
    clock: { clock: String(facts.clock.clock), resetCount: facts.clock.resetCount, restartCount: facts.clock.restartCount },
  };
}

/** The clock of the last verdict that passed, as far as the state still rests on it. */
export function lastClockOf(state: NodeState): LastClock | null {
  const facts = factsOf(state);
  if (facts?.clock === undefined) return null;
  return { ...facts.clock, clock: BigInt(facts.clock.clock), bootId: facts.bootId };
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
