import type { Lock } from "../lock/lock.ts";
import type { Signer } from "../sign/signer.ts";
import { rebuildFiles, writeInputs } from "./inputs.ts";
import { recordSigner } from "./record-signer.ts";

/** Whose records are kept: the build's signer, and where its spec is; without that nothing is kept. */
export interface KeepRecordsRequest {
  readonly signer: Signer;
  readonly specFile?: string;
  readonly signal?: AbortSignal;
}

/**
 * Makes a release with a signer whose answers are kept, and then keeps what went in, both beside the release's folder: from that and a
 * darksite it is built again without keys. Throws what `work` throws, ToolError or a file system's error.
 */
export async function keepRecords<T>(request: KeepRecordsRequest, releaseDir: string, lock: Lock, work: (signer: Signer) => Promise<T>): Promise<T> {
  if (request.specFile === undefined) return work(request.signer);
  const { inputs, signatures, journal } = rebuildFiles(releaseDir);
  const recording = await recordSigner(request.signer, signatures, journal);
  const result = await work(recording.signer);
  await recording.close();
  await writeInputs(inputs, request.specFile, lock, request.signal);
  return result;
}
