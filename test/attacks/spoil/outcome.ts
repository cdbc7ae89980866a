import type { AttackOutcome, AttackProof } from "../attack.ts";
import type { AttackGuest } from "../attack-guest.ts";
import type { AttackWorld } from "../world.ts";

/** Waits until the hub has refused the slot's machine, and gathers what shows that it stands outside. */
export async function refusedOutcome(world: AttackWorld, guest: AttackGuest, more: readonly AttackProof[] = []): Promise<AttackOutcome> {
  const ekName = await guest.untilEk();
  await world.untilState(ekName, ["rejected", "quarantined"], 90);
  const { node, text } = await world.explain(ekName);
  const proofs = [...(await world.outside(guest.slot, ekName, guest)), ...more];
  return { end: "outside", code: node.code, explanation: text, proofs, image: guest.image, serial: await guest.serial() };
}

/** For a guest that never reached its agent: what its console says, and that the hub never heard of it. */
export async function silentOutcome(world: AttackWorld, guest: AttackGuest, more: readonly AttackProof[] = []): Promise<AttackOutcome> {
  const { code, text } = await world.debug(guest);
  const node = await world.node(world.pinnedEk(guest.slot));
  const silent = { what: "the hub never heard from its TPM", held: node === null || node.state === "expected", detail: node?.state ?? "unknown" };
  const proofs = [...(await world.outside(guest.slot, null)), silent, ...more];
  return { end: "outside", code, explanation: text, proofs, image: guest.image, serial: await guest.serial() };
}
