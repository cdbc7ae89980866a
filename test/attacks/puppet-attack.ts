import type { Attack, AttackOutcome } from "./attack.ts";
import { PuppetScene } from "./puppet-scene.ts";
import { guestStage, type PuppetStage } from "./puppet-stage.ts";
import type { AttackWorld } from "./world.ts";

/** A row whose attacker is no guest. */
export interface PuppetAttack extends Attack {
  /** The same attack on another stage: a hub in this process. */
  play(world: AttackWorld, stage: PuppetStage): Promise<AttackOutcome>;
}

/** Puppets play one after the other: what slows them all is the hub's one processor, and each has its time limits. */
let last: Promise<unknown> = Promise.resolve();

/** Makes a row of what a puppet does; TPMs, streams and the door end with it. */
export function puppetAttack(row: Pick<Attack, "name" | "title" | "ci" | "slots"> & { readonly act: (scene: PuppetScene) => Promise<AttackOutcome> }): PuppetAttack {
  const { act, ...facts } = row;
  const play = async (world: AttackWorld, stage: PuppetStage): Promise<AttackOutcome> => {
    const scene = new PuppetScene(world, stage);
    try {
      return await act(scene);
    } finally {
      await scene.close();
    }
  };
  const run = (world: AttackWorld): Promise<AttackOutcome> => {
    const turn = last.then(async () => await play(world, await guestStage(world, row.slots?.[0] ?? row.name)));
    last = turn.catch(() => undefined);
    return turn;
  };
  return { ...facts, guests: 0, play, run };
}
