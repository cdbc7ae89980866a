import type { z } from "zod";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { AgentError } from "../error.ts";
import type { Attestor } from "../tpm/attestor.ts";
import type { challengeSchema } from "./requests.ts";

/** Challenge from the host → `out/evidence.json`. Throws {@link AgentError} `BAD_REQUEST`, or TpmError for a credential that isn't ours. */
export async function answerChallenge(attestor: Attestor, request: z.output<typeof challengeSchema>): Promise<Readonly<Record<string, string>>> {
  const nonce = fromBase64(request.nonce);
  const verifier = fromBase64(request.verifier);
  if (nonce.length !== 32 || verifier.length !== 32) throw new AgentError("BAD_REQUEST", "nonce and verifier have 32 bytes each");
  const evidence = await attestor.answer({
    nonce,
    verifier,
    credentialBlob: fromBase64(request.credentialBlob),
    encryptedSecret: fromBase64(request.encryptedSecret),
  });
  const { secret, quote, signature, claims, firmwareLog, userspaceLog } = evidence;
  return {
    secret: toBase64(secret),
    quote: toBase64(quote),
    signature: toBase64(signature),
    claims: toBase64(claims),
    firmwareLog: toBase64(firmwareLog),
    userspaceLog: toBase64(userspaceLog),
  };
}
