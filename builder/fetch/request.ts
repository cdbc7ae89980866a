import { setTimeout as sleep } from "node:timers/promises";
import { ToolError } from "../toolchain/error.ts";
import { FetchError } from "./error.ts";

/** What is asked of a server. */
export interface Asked {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A server that sends nothing for so long is asked again. */
const STALL_MS = 60_000;
/** After a try that got on, after one that didn't, after a second; a third is the last. */
const PAUSES_MS = [200, 500, 2_000];
const ELSEWHERE = "see that this host reaches the server, set http_proxy or https_proxy, or take the file from a darksite";

/** Why one try didn't work, where another may. */
export class Interrupted extends Error {}

/**
 * Does `work` with a server's answer, and again with a new one when the connection breaks or the server is busy: `work` sees the answer's
 * body break as an {@link Interrupted}. As long as `progress` grows, there is no limit to the tries. Throws FetchError or ToolError `ABORTED`.
 */
export async function ask<T>(asked: () => Asked, work: (answer: Response, body: AsyncIterable<Uint8Array>) => Promise<T>, progress: () => number = () => 0): Promise<T> {
  let [failed, before] = [0, progress()];
  for (;;) {
    const { url, headers, signal } = asked();
    const stall = new AbortController();
    const timer = setTimeout(() => stall.abort(), STALL_MS);
    try {
      const signals = signal === undefined ? [stall.signal] : [stall.signal, signal];
      // "identity": a digest is one of the file, not of what is packed for the way.
      const answer = await fetch(url, { headers: { "accept-encoding": "identity", ...headers }, signal: AbortSignal.any(signals) });
      if (answer.status === 429 || answer.status >= 500) throw new Interrupted(`HTTP ${answer.status}`);
      return await work(answer, refreshing(answer, timer));
    } catch (cause) {
      if (signal?.aborted === true) throw new ToolError("ABORTED", `stopped: fetching ${url}`, { cause });
      if (!isInterruption(cause)) throw cause;
      failed = progress() > before ? 0 : failed + 1;
      before = progress();
      const pause = PAUSES_MS[failed];
      if (pause === undefined) throw new FetchError("SOURCE_UNREACHABLE", `${url} can't be fetched: ${reason(cause)}`, ELSEWHERE, { cause });
      await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    } finally {
      clearTimeout(timer);
      // What nobody read doesn't keep its connection.
      stall.abort();
    }
  }
}

/** The body's chunks, each of which starts the time anew. */
async function* refreshing(answer: Response, timer: NodeJS.Timeout): AsyncGenerator<Uint8Array> {
  for await (const chunk of answer.body ?? []) {
    timer.refresh();
    yield chunk;
  }
}

/** fetch says TypeError for whatever happens to a connection, and AbortError for our own stall timer. */
function isInterruption(cause: unknown): boolean {
  return cause instanceof Interrupted || cause instanceof TypeError || (cause instanceof Error && cause.name === "AbortError");
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === "AbortError") return `it sent nothing for ${STALL_MS / 1000} s`;
  const inner = cause.cause instanceof AggregateError ? cause.cause.errors[0] : cause.cause;
  return inner instanceof Error ? inner.message : cause.message;
}

/** The errors that an answer's status says. Throws FetchError `SOURCE_GONE`, `SOURCE_DENIED` or `SOURCE_BAD`. */
export function checkStatus(url: string, answer: Response, allowed: readonly number[] = [200]): void {
  const { status } = answer;
  if (allowed.includes(status)) return;
  if (status === 404 || status === 410) throw new FetchError("SOURCE_GONE", `${url} isn't there (HTTP ${status})`);
  if (status === 401 || status === 403) throw new FetchError("SOURCE_DENIED", `${url} may not be read by everybody (HTTP ${status})`, "bring it into a darksite where it may be read");
  throw new FetchError("SOURCE_BAD", `${url} answers with HTTP ${status}`);
}
