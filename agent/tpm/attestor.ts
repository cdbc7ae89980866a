import { evidenceExtraData } from "../../proto/evidence/extra-data.ts";
import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import type { AgentTpm } from "./agent-tpm.ts";
import type { Measurer } from "./measurer.ts";
import type { TpmIdentity } from "./tpm-identity.ts";

/** What a verifier asks: a nonce, and a secret that only this EK can open, for this AK. */
export interface AttestChallenge {
  readonly nonce: Uint8Array;
  /** TPM2B contents without their sizes. */
  readonly credentialBlob: Uint8Array;
  readonly encryptedSecret: Uint8Array;
  /** SHA-256(cluster ‖ verifier's SPKI): for a hub, from the connection's own certificate, never from its message. */
  readonly verifier: Uint8Array;
}

/** The answer (DESIGN §2.8). */
export interface AttestEvidence {
  readonly secret: Uint8Array;
  readonly quote: Uint8Array;
  readonly signature: Uint8Array;
  readonly claims: Uint8Array;
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
}

/** Proves this boot to whoever asks. */
export interface Attestor {
  readonly claims: Uint8Array;
  answer(challenge: AttestChallenge): Promise<AttestEvidence>;
}

/** An attestor over these keys and claims. Its answers throw TpmError where the credential isn't for this TPM. */
export function createAttestor(tpm: AgentTpm, identity: TpmIdentity, measurer: Pick<Measurer, "banks" | "withLogs">, claims: Uint8Array): Attestor {
  const { ak, ek } = identity;
  return {
    claims,
    answer: (challenge) =>
      measurer.withLogs(async (logs) => {
        const { nonce, verifier, credentialBlob, encryptedSecret } = challenge;
        const secret = await tpm.activateCredential({ ak, ek, credentialBlob, encryptedSecret });
        const extraData = evidenceExtraData({ nonce, verifier, claims, ...logs });
        const { quote, signature } = await tpm.quote({ ak, extraData, pcrs: QUOTED_PCRS, banks: measurer.banks });
        return { secret, quote, signature, claims, ...logs };
      }),
  };
}
