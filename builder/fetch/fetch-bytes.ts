import { concatBytes } from "../../proto/wire/bytes.ts";
import { FetchError } from "./error.ts";
import { ask, type Asked, checkStatus } from "./request.ts";

/** A document that was fetched. */
export interface Fetched {
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  readonly status: number;
}

/** Fetches a document of at most `max` bytes into memory; `statuses` beside 200 are handed to the caller. Throws FetchError or ToolError. */
export async function fetchBytes(asked: Asked, max: number, statuses: readonly number[] = []): Promise<Fetched> {
  return ask(() => asked, async (answer, body) => {
    checkStatus(asked.url, answer, [200, ...statuses]);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      if (size > max) throw new FetchError("SOURCE_BAD", `${asked.url} sends more than the ${max} bytes that such a document may have`);
      parts.push(chunk);
    }
    return { bytes: concatBytes(...parts), headers: answer.headers, status: answer.status };
  });
}
