import type { Attack } from "../attack.ts";
import { leaveSha1Alone } from "../spoil/sha1-tpm.ts";
import { silentOutcome } from "../spoil/outcome.ts";

/** SHA-1 can be forged, so a bank of it proves nothing: the agent doesn't even try. What the hub says to such evidence: P20 in docs/verdict.md. */
export const sha1OnlyTpm: Attack = {
  name: "sha1-only-tpm",
  title: "a TPM with its SHA-256 bank switched off",
  ci: true,
  async run(world) {
    await leaveSha1Alone(world, world.name);
    const guest = await world.start(world.name);
    const cause = await guest.untilEnded();
    return await silentOutcome(world, guest, [{ what: "the agent switched the machine off", held: cause === "guest-shutdown", detail: cause }]);
  },
};
