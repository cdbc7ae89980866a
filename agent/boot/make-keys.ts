import { loadNodeKeys } from "./node-keys.ts";
import { defineStep, type Step } from "./step.ts";

/** The keys of this boot: TLS, and one for each plane. New ones are made after the fork of this name. */
export function makeKeysAfter(fork: string): Step {
  return defineStep({
    name: "make-keys",
    needs: ["config", "bootId"],
    async run({ ports: { files, clock, entropy } }, { config, bootId }) {
      return { keys: await loadNodeKeys({ files, clock, entropy, bootId, epoch: config.epoch, fork }) };
    },
  });
}

/** Of a machine that wasn't forked, as far as is known: one that was finds out at its first look. */
export const makeKeys = makeKeysAfter("");
