import t from "tap";
import { type Column, clip, renderTable } from "./table.ts";

interface Row {
  readonly a: string;
  readonly b: string;
}
const columns: readonly Column<Row>[] = [
  { header: "A", cell: (r) => r.a },
  { header: "B", cell: (r) => r.b, shrinks: true },
];

t.test("columns line up, empty cells are dashes, no line ends in a space", async (t) => {
  const text = renderTable(columns, [{ a: "x", b: "" }, { a: "longer", b: "y" }], { headers: true, width: 80 });
  t.equal(text, "A       B\nx       -\nlonger  y");
  t.equal(renderTable(columns, [{ a: "x", b: "y" }], { headers: false, width: null }), "x  y");
});

t.test("too long a line is cut in the shrinking column, then at its end, and never wraps", async (t) => {
  const rows = [{ a: "12345678901234567890", b: "abcdefghijklmnopqrstuvwxyz" }];
  t.equal(renderTable(columns, rows, { headers: false, width: 40 }), "12345678901234567890  abcdefghijklmnopq…");
  t.equal(renderTable(columns, rows, { headers: false, width: 15 }), "12345678901234…");
  t.equal(renderTable(columns, rows, { headers: false, width: null }), "12345678901234567890  abcdefghijklmnopqrstuvwxyz");
});

t.test("a cell with a line break or an escape sequence stays one harmless cell", async (t) => {
  t.equal(renderTable(columns, [{ a: "x\ny", b: "\u001b[31m" }], { headers: false, width: 80 }), "x\\u000ay  \\u001b[31m");
});

t.test("clip", async (t) => {
  t.equal(clip("abc", 3), "abc");
  t.equal(clip("abcd", 3), "ab…");
});
