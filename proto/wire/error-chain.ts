/** Deeper than any chain of ours; a cause can be its own. */
const MAX_DEPTH = 8;

/** An error and its causes as one line for people: each layer's own sentence, the outermost first, joined by colons. */
export function errorChain(error: unknown): string {
  const parts: string[] = [];
  for (let e: unknown = error; e !== undefined && parts.length < MAX_DEPTH; e = e instanceof Error ? e.cause : undefined) {
    parts.push(e instanceof Error ? e.message : String(e));
  }
  return parts.join(": ");
}
