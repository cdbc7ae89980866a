import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FetchError } from "./error.ts";
import { ask, type Asked, checkStatus, Interrupted } from "./request.ts";

/** A file to be had, known by its digest before anybody is asked. */
export interface FileRequest extends Asked {
  /** In words, for errors: "wheel six 1.17.0". */
  readonly what: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  /** Where it goes; absolute. */
  readonly path: string;
  /** Folder for what is not yet whole, on the same file system; one process at a time. */
  readonly partial: string;
  /** Told of bytes as they come, those of an earlier try too. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * Streams a file to the disk. What an earlier try left under the digest's name is continued by an HTTP range; never more than the size is
 * taken, and nothing gets `path` without having the digest. Throws FetchError, ToolError `ABORTED` or a file system's error.
 */
export async function fetchFile(request: FileRequest): Promise<void> {
  await mkdir(request.partial, { recursive: true });
  const part = join(request.partial, request.sha256);
  const resumed = await fetchPart(request, part);
  if (resumed.digest !== request.sha256 && resumed.from > 0) {
    // The beginning may have been of another file: once more, from nothing.
    await rm(part, { force: true });
    request.onBytes?.(-request.size);
    Object.assign(resumed, await fetchPart(request, part));
  }
  if (resumed.digest !== request.sha256) {
    await rm(part, { force: true });
    throw differs(request, `sends ${resumed.digest}`);
  }
  await mkdir(dirname(request.path), { recursive: true });
  await rename(part, request.path);
}

/** Completes the part to the file's size, on the disk. Gives its digest, and how much of it was there before. */
async function fetchPart(request: FileRequest, part: string): Promise<{ digest: string; from: number }> {
  const file = await open(part, "a+");
  try {
    const state = { hash: createHash("sha256"), have: (await file.stat()).size };
    if (state.have > request.size) await restart(request, file, state);
    else await hashInto(state.hash, part, request.onBytes);
    const from = state.have;
    const asked = (): Asked => (state.have === 0 ? request : { ...request, headers: { ...request.headers, range: `bytes=${state.have}-` } });
    while (state.have < request.size) await ask(asked, (answer, body) => append(request, file, state, answer, body), () => state.have);
    await file.sync();
    return { digest: state.hash.digest("hex"), from };
  } finally {
    await file.close();
  }
}

interface PartState {
  hash: Hash;
  have: number;
}

async function append(request: FileRequest, file: FileHandle, state: PartState, answer: Response, body: AsyncIterable<Uint8Array>): Promise<void> {
  if (answer.status === 416 && state.have > 0) return void (await restart(request, file, state));
  checkStatus(request.url, answer, [200, 206]);
  const start = /^bytes (\d+)-/.exec(answer.headers.get("content-range") ?? "")?.[1];
  if (answer.status === 206 && Number(start) !== state.have) throw new FetchError("SOURCE_BAD", `${request.url} was asked for what follows byte ${state.have} and sends another part`);
  // A server may always answer a range with the whole.
  if (answer.status === 200 && state.have > 0) await restart(request, file, state);
  const before = state.have;
  for await (const chunk of body) {
    if (state.have + chunk.length > request.size) {
      await restart(request, file, state);
      throw differs(request, "sends more");
    }
    await file.writeFile(chunk);
    state.hash.update(chunk);
    state.have += chunk.length;
    request.onBytes?.(chunk.length);
  }
  if (state.have < request.size && answer.status === 200) throw differs(request, `sends ${state.have} bytes`);
  if (state.have === before) throw new Interrupted("it sent an empty range");
}

async function restart(request: FileRequest, file: FileHandle, state: PartState): Promise<void> {
  await file.truncate(0);
  request.onBytes?.(-state.have);
  Object.assign(state, { hash: createHash("sha256"), have: 0 });
}

async function hashInto(hash: Hash, path: string, onBytes?: (count: number) => void): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Uint8Array);
    onBytes?.((chunk as Uint8Array).length);
  }
}

function differs(request: FileRequest, found: string): FetchError {
  const { what, size, sha256, url } = request;
  return new FetchError("SOURCE_DIFFERS", `${what} has ${size} bytes and SHA-256 ${sha256} in the lock, but ${url} ${found}`, "try another network; if the file was really replaced there, lock it anew with --update");
}
