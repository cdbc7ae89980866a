/** Values of `-o`. */
export const FORMATS = ["table", "wide", "json", "jsonl", "yaml", "name"] as const;
/** See {@link FORMATS}. */
export type Format = (typeof FORMATS)[number];

/** Whether errors, too, go out as an object. */
export function isStructured(format: Format): boolean {
  return format === "json" || format === "jsonl" || format === "yaml";
}

/**
 * The format that a command line asks for, read before anything is parsed: a usage error must already come in it.
 * Unknown values give "table"; the parser reports them.
 */
export function formatOf(argv: readonly string[]): Format {
  for (const [i, word] of argv.entries()) {
    if (word === "--") break;
    const value = word === "-o" || word === "--output" ? argv[i + 1] : /^(?:-o|--output=)(.+)$/.exec(word)?.[1];
    const format = FORMATS.find((f) => f === value);
    if (format !== undefined) return format;
  }
  return "table";
}
