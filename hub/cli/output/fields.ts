/** Label and value lines, labels in one column; a value of several lines is indented below its first. */
export function fields(pairs: readonly (readonly [label: string, value: string | readonly string[]])[], indent = "  "): string {
  const width = Math.max(...pairs.map(([label]) => label.length)) + 2;
  return pairs
    .map(([label, value]) => {
      const lines = typeof value === "string" ? [value] : value;
      return lines.map((line, i) => (indent + (i === 0 ? label : "").padEnd(width) + line).trimEnd()).join("\n");
    })
    .join("\n");
}
