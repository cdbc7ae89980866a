import { PATHS } from "../paths.ts";
import { defineStep } from "./step.ts";

/**
 * Takes every peer, plane and key of this boot away, kernel first. A crash at any point is followed by the same again: the keys'
 * file goes last, and until then it names a fork that is not the newest.
 */
export const dropKeys = defineStep({
  name: "drop-keys",
  needs: ["planes"],
  fatal: false,
  async run({ ports }, { planes }) {
    await planes.takeDown();
    await ports.files.remove(PATHS.horizon);
    await ports.files.remove(PATHS.keys);
    return { place: null };
  },
});
