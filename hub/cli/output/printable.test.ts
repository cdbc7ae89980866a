import t from "tap";
import { printable, printableJson } from "./printable.ts";

t.test("what moves cursors, hides or reorders text becomes an escape", async (t) => {
  for (const code of [0, 7, 8, 9, 10, 13, 0x1b, 0x7f, 0x9b, 0xad, 0x200b, 0x200e, 0x2028, 0x2029, 0x202e, 0x2066, 0xfeff, 0xe000, 0xe0041]) {
    const char = String.fromCodePoint(code);
    t.match(printable(`a${char}b`), /^a(\\u[0-9a-f]{4}){1,2}b$/, code.toString(16));
  }
});

t.test("text of people stays as it is", async (t) => {
  for (const text of ["w-1", "Müller, Größe", "日本語", "…", "😀", "a b"]) t.equal(printable(text), text);
});

t.test("JSON keeps its meaning", async (t) => {
  const value = { a: "\u009b31m\u202e\u001b\n\u{e0041}", b: ["\u007f"] };
  const text = printableJson(JSON.stringify(value, null, 2));
  t.notMatch(text, /[\u007f-\u009f\u202e]/);
  t.same(JSON.parse(text), value);
});
