import { createTpmIdentity } from "../tpm/tpm-identity.ts";
import { defineStep } from "./step.ts";

/** EK and AK of this machine's TPM. */
export const identifyTpm = defineStep({
  name: "identify-tpm",
  needs: ["tpm"],
  async run({ status }, { tpm }) {
    const identity = await createTpmIdentity(tpm);
    status.update({ ekName: identity.ekName });
    return { identity };
  },
});
