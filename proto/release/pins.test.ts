import t from "tap";
import { toBase64 } from "../wire/base64.ts";
import { canonicalJson } from "../wire/json.ts";
import { parseEkPin } from "./ek-pin.ts";
import { EK_TRUST_LIMITS, parsePins } from "./pins.ts";

const der = (bytes: number): string => toBase64(new Uint8Array(bytes).fill(0x30));
const pins = { kind: "kubedos/pins", version: 1, cluster: "demo", serial: 1, slots: [{ name: "w-1", role: "worker", index: 1, ekName: null }] };
const ekTrust = { roots: [der(100)], intermediates: [der(100)], quirks: ["nv-padding"], revoked: ["ab".repeat(32)] };
const read = (value: unknown) => parsePins(canonicalJson(value));

t.test("makers' certificates stand in the pin file, within bounds", async (t) => {
  t.equal(read(pins).ekTrust, undefined, "none is none");
  t.same(read({ ...pins, ekTrust }).ekTrust, ekTrust);
  const many = (n: number): string[] => Array.from({ length: n }, () => der(3));
  const cases: readonly (readonly [string, object])[] = [
    ["no root", { roots: [] }],
    ["too many roots", { roots: many(EK_TRUST_LIMITS.roots + 1) }],
    ["too many intermediates", { intermediates: many(EK_TRUST_LIMITS.intermediates + 1) }],
    ["too large a certificate", { roots: [der(EK_TRUST_LIMITS.certificateBytes + 3)] }],
    ["no base64", { roots: ["****"] }],
    ["a quirk that nobody knows", { quirks: ["anything"] }],
    ["half a fingerprint", { revoked: ["ab"] }],
    ["something else", { more: 1 }],
  ];
  for (const [what, change] of cases) t.throws(() => read({ ...pins, ekTrust: { ...ekTrust, ...change } }), { code: "BAD_VALUE" }, what);
});

t.test("an operator's pin", async (t) => {
  const pin = { kind: "kubedos/ek-pin", version: 1, cluster: "demo", slot: "w-1", role: "worker", ekName: `000b${"ab".repeat(32)}`, issuedAt: 1_800_000_000_000 };
  t.same(parseEkPin(canonicalJson(pin)), pin);
  t.equal(parseEkPin(canonicalJson({ ...pin, ekName: null })).ekName, null);
  const cases: readonly (readonly [string, object])[] = [
    ["half an EK", { ekName: "000b" }],
    ["a path as slot", { slot: "../x" }],
    ["no time", { issuedAt: 0 }],
    ["half a millisecond", { issuedAt: 1.5 }],
    ["another kind", { kind: "kubedos/approval" }],
    ["something else", { more: 1 }],
  ];
  for (const [what, change] of cases) t.throws(() => parseEkPin(canonicalJson({ ...pin, ...change })), { code: "BAD_VALUE" }, what);
  t.throws(() => parseEkPin(new TextEncoder().encode(JSON.stringify(pin))), { code: "BAD_VALUE" }, "not in its canonical form");
});
