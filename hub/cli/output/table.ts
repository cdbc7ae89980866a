import { printable } from "./printable.ts";

/** One column: its header, and whether it is the one that gives way when the line is too long. */
export interface Column<T> {
  readonly header: string;
  readonly cell: (row: T) => string;
  readonly shrinks?: boolean;
  /** Width in a steady table, whose rows come one by one. */
  readonly min?: number;
}

/** How a table is laid out; `width` null means that nothing is cut. */
export interface TableStyle {
  readonly headers: boolean;
  readonly width: number | null;
  /** Lines up with earlier output: columns start from their minimum instead of their content. */
  readonly steady?: boolean;
}

const GAP = "  ";
const MIN_SHRUNK = 8;

/** Lines of a table without a trailing line break. Never wraps: over `width`, the shrinking column is cut, then the line. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], style: TableStyle): string {
  const body = rows.map((row) => columns.map((c) => printable(c.cell(row)) || "-"));
  const lines = style.headers ? [columns.map((c) => c.header), ...body] : body;
  const widths = columns.map((_, i) => Math.max(floor(columns[i], style), ...lines.map((line) => line[i]?.length ?? 0)));
  if (style.width !== null) shrink(columns, widths, style.width);
  return lines.map((line) => layLine(line, widths, style.width)).join("\n");
}

function floor<T>(column: Column<T> | undefined, style: TableStyle): number {
  return style.steady === true ? (column?.min ?? 0) : 0;
}

function shrink<T>(columns: readonly Column<T>[], widths: number[], width: number): void {
  const at = columns.findIndex((c) => c.shrinks === true);
  if (at < 0) return;
  const total = widths.reduce((a, b) => a + b, 0) + GAP.length * (widths.length - 1);
  widths[at] = Math.min(widths[at] ?? 0, Math.max(MIN_SHRUNK, (widths[at] ?? 0) - Math.max(0, total - width)));
}

function layLine(cells: readonly string[], widths: readonly number[], width: number | null): string {
  const text = cells.map((cell, i) => clip(cell, widths[i] ?? 0).padEnd(widths[i] ?? 0)).join(GAP).trimEnd();
  return width === null ? text : clip(text, width);
}

/** The text itself, or its beginning and an ellipsis where it is longer than `width`. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
