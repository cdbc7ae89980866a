import t from "tap";
import { attributeBits, attributesOf, parseAttributes } from "./attributes.ts";
import { AK_TEMPLATES, EK_TEMPLATES } from "./templates.ts";

t.test("templates have the profile's bits", async (t) => {
  t.equal(attributeBits(EK_TEMPLATES.rsa.attributes), 0x000300b2);
  t.equal(attributeBits(EK_TEMPLATES.ecc.attributes), 0x000300b2);
  t.equal(attributeBits(AK_TEMPLATES.ecc.attributes), 0x00050472);
});

t.test("every known bit alone comes back alone, every reserved bit is refused", async (t) => {
  const known = [1, 2, 4, 5, 6, 7, 10, 11, 16, 17, 18, 19];
  for (let bit = 0; bit < 32; bit++) {
    const bits = 2 ** bit;
    if (known.includes(bit)) {
      const attributes = parseAttributes(bits);
      t.equal(attributeBits(attributes), bits);
      t.equal(Object.values(attributes).filter(Boolean).length, 1);
    } else t.throws(() => parseAttributes(bits), { name: "WireError", code: "BAD_VALUE" }, `bit ${bit}`);
  }
  t.same(parseAttributes(0), attributesOf());
});
