import type { Attack } from "../attack.ts";
import { PuppetScene } from "../puppet-scene.ts";
import { guestStage } from "../puppet-stage.ts";
import { lure } from "../puppet-hub.ts";
import { luredOutcome, neverHeard, proveDeaf, serves } from "./hub-impostor.ts";

const POSER = "node-as-hub";
const VICTIM = "node-as-hub-victim";

/** Where it serves, and where it looks whether that can be reached: addresses of nobody in the spec. */
const PLACES = { hub: "10.100.10.252", visitor: "10.100.10.242" };

/** A node that an operator did let in serves as a hub with its own, true certificate. */
export const nodeAsHub: Attack = {
  name: "node-as-hub",
  title: "an approved node's certificate, served as a hub's to another guest",
  ci: false,
  slots: [POSER, VICTIM],
  async run(world) {
    const scene = new PuppetScene(world, await guestStage(world, POSER));
    try {
      const poser = await scene.boot({ slot: POSER });
      const chain = await scene.admitted(poser);
      const lured = await lure(world, VICTIM, PLACES, { key: poser.key, chain }, async (port) => {
        scene.proofs.push(await serves(port));
      });
      try {
        scene.proofs.push(...proveDeaf(lured), await neverHeard(world, VICTIM));
        await scene.revoke(poser, "end of the attack");
        return await luredOutcome(world, lured, scene.proofs);
      } finally {
        await lured.close();
      }
    } finally {
      await scene.close();
    }
  },
};
