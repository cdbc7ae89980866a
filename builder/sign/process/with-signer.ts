import type { Signer } from "../signer.ts";
import { startSigner, type StartSignerRequest } from "./start-signer.ts";

/** Runs `work` with a signer in a process of its own, which ends with it. Throws what starting it or `work` throws. */
export async function withSigner<T>(request: StartSignerRequest, work: (signer: Signer) => Promise<T>): Promise<T> {
  const signer = await startSigner(request);
  try {
    return await work(signer);
  } finally {
    await signer.stop();
  }
}
