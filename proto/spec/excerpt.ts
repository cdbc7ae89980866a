const MAX_WIDTH = 90;

/** A line of the source as it is shown under a fault. */
export interface Excerpt {
  /** Printable, and cut around the column where the line is long. */
  readonly text: string;
  /** From 1: where in `text` the fault is. */
  readonly column: number;
}

/** The line that holds the offset. Whoever wrote the file controls it: what a terminal would act on is replaced. */
export function excerptAt(source: string, offset: number): Excerpt {
  const start = source.lastIndexOf("\n", offset - 1) + 1;
  const newline = source.slice(offset).search(/\r?\n/);
  const end = newline < 0 ? source.length : offset + newline;
  const column = offset - start;
  // A line that fits stands from its first column; of a longer one, what is around the place.
  const from = end - start <= MAX_WIDTH ? 0 : Math.max(0, column - MAX_WIDTH / 2);
  const cut = start + from + MAX_WIDTH < end;
  const line = printable(source.slice(start + from, Math.min(end, start + from + MAX_WIDTH))).trimEnd();
  return { text: `${from > 0 ? "…" : ""}${line}${cut ? "…" : ""}`, column: column - from + (from > 0 ? 2 : 1) };
}

/** The text without control characters and line separators, each replaced by a question mark; a tab by a blank. */
export function printable(text: string): string {
  return text.replaceAll("\t", " ").replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "?");
}
