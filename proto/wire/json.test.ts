import t from "tap";
import { z } from "zod";
import { fromBase64 } from "./base64.ts";
import { utf8 } from "./bytes.ts";
import { fromHex } from "./hex.ts";
import { canonicalJson, parseCanonicalJson, parseJson } from "./json.ts";

const schema = z.strictObject({ a: z.number(), b: z.string() });

t.test("canonical JSON has one encoding, and only that is read back", async (t) => {
  const bytes = canonicalJson({ b: "x", a: 1 });
  t.equal(new TextDecoder().decode(bytes), '{"a":1,"b":"x"}');
  t.same(parseCanonicalJson(schema, bytes, 100), { a: 1, b: "x" });
  for (const text of ['{"b":"x","a":1}', '{"a":1,"b":"x"} ', '{"a":1.0,"b":"x"}', '{"a":2,"a":1,"b":"x"}', '{"a":1,"b":"\\u0078"}']) {
    t.throws(() => parseCanonicalJson(schema, utf8(text), 100), { code: "BAD_VALUE" }, text);
  }
});

t.test("refuses what is too large, no UTF-8, no JSON, or has a key nobody knows", async (t) => {
  t.throws(() => parseJson(schema, utf8('{"a":1,"b":"x"}'), 5), { code: "TOO_LARGE" });
  t.throws(() => parseJson(schema, Uint8Array.of(0x22, 0xff, 0x22), 9), { code: "BAD_VALUE" });
  t.throws(() => parseJson(schema, utf8("{"), 9), { code: "BAD_VALUE" });
  t.throws(() => parseJson(schema, utf8('{"a":1,"b":"x","c":2}'), 99), { code: "BAD_VALUE", message: /"c"/ });
});

t.test("base64 and hex have one meaning", async (t) => {
  for (const text of ["AA", "AA==x", "A A=", "AB==", "AA==\n", "-_=="]) t.throws(() => fromBase64(text), { code: "BAD_VALUE" }, text);
  for (const text of ["0", "0g", " 00", "0x00"]) t.throws(() => fromHex(text), { code: "BAD_VALUE" }, text);
});
