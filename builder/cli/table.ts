const GAP = 2;

/** Rows as aligned text, the last column as long as it is; a heading in capitals. Cells hold no line breaks. */
export function renderTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading.map((cell) => cell.toUpperCase()), ...rows];
  const widths = heading.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all.map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd((widths[i] ?? 0) + GAP))).join("").trimEnd()}\n`).join("");
}
