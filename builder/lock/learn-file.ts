import { createHash } from "node:crypto";
import { FetchError } from "../fetch/error.ts";
import { makeProgress } from "../fetch/progress.ts";
import { ask, checkStatus, Interrupted } from "../fetch/request.ts";
import type { Report } from "../toolchain/report.ts";
import { type LockedFile, MAX_FILE_BYTES } from "./extras.ts";
import type { WantedFile } from "./wants.ts";

/**
 * A wanted file with its size and digest: as they are written down, else as they stand in an earlier lock, else learnt by reading
 * the file once, of which nothing is kept. Throws FetchError or ToolError.
 */
export async function learnFile(wanted: WantedFile, known: LockedFile | undefined, report: Report, signal?: AbortSignal): Promise<LockedFile> {
  const { name, version, url } = wanted;
  const same = known !== undefined && known.version === version && known.url === url ? known : undefined;
  const sha256 = wanted.sha256 ?? same?.sha256;
  const size = wanted.size ?? (sha256 === same?.sha256 ? same?.size : undefined);
  if (sha256 !== undefined && size !== undefined) return { name, version, url, size, sha256 };
  report(`reading ${url} once, to learn ${sha256 === undefined ? "its digest" : "its size"}`);
  const found = await digestOf(url, report, signal);
  if ((sha256 ?? found.sha256) !== found.sha256) throw new FetchError("SOURCE_DIFFERS", `file ${name} ${version} shall have SHA-256 ${sha256}, but ${url} sends ${found.sha256}`);
  if ((size ?? found.size) !== found.size) throw new FetchError("SOURCE_DIFFERS", `file ${name} ${version} shall have ${size} bytes, but ${url} sends ${found.size}`);
  return { name, version, url, ...found };
}

async function digestOf(url: string, report: Report, signal?: AbortSignal): Promise<{ readonly size: number; readonly sha256: string }> {
  return ask(() => ({ url, signal }), async (answer, body) => {
    checkStatus(url, answer);
    const said = Number(answer.headers.get("content-length") ?? Number.NaN);
    const progress = makeProgress(report, url, said);
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      if (size > MAX_FILE_BYTES) throw new FetchError("SOURCE_BAD", `${url} sends more than ${MAX_FILE_BYTES} bytes`);
      hash.update(chunk);
      progress.add(chunk.length);
    }
    if (!Number.isNaN(said) && size !== said) throw new Interrupted(`it sent ${size} of ${said} bytes`);
    return { size, sha256: hash.digest("hex") };
  });
}
