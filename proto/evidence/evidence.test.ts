import { createHash, generateKeyPairSync } from "node:crypto";
import t from "tap";
import { toBase64 } from "../wire/base64.ts";
import { toHex } from "../wire/hex.ts";
import { canonicalJson } from "../wire/json.ts";
import { type Claims, MAX_CLAIMS_BYTES, parseClaims } from "./claims.ts";
import { type EvidenceBinding, evidenceExtraData, verifierContext } from "./extra-data.ts";

const fill = (n: number, byte: number) => new Uint8Array(n).fill(byte);
const binding: EvidenceBinding = { nonce: fill(32, 1), verifier: fill(32, 2), claims: fill(5, 3), firmwareLog: fill(7, 4), userspaceLog: fill(0, 5) };

t.test("extraData is what DESIGN §2.8 writes, computed another way", async (t) => {
  const h = (data: Uint8Array) => createHash("sha256").update(data).digest();
  const text = Buffer.concat([Buffer.from("kubedos-evidence-v1\0", "latin1"), binding.nonce, binding.verifier, h(binding.claims), h(binding.firmwareLog), h(binding.userspaceLog)]);
  t.equal(toHex(evidenceExtraData(binding)), h(text).toString("hex"));
  t.same(verifierContext("demo", fill(3, 9)), new Uint8Array(h(Buffer.concat([Buffer.from("demo"), fill(3, 9)]))));
});

t.test("each part changes it", async (t) => {
  const seen = new Set([toHex(evidenceExtraData(binding))]);
  for (const key of Object.keys(binding) as (keyof EvidenceBinding)[]) {
    seen.add(toHex(evidenceExtraData({ ...binding, [key]: fill(binding[key].length + 1, 1) })));
  }
  seen.add(toHex(evidenceExtraData({ ...binding, firmwareLog: binding.userspaceLog, userspaceLog: binding.firmwareLog })));
  t.equal(seen.size, 7);
});

const spki = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "der" });
const wg = toBase64(fill(32, 7));
const claims: Claims = {
  kind: "kubedos/claims", version: 1, stage: "admission", cluster: "demo", role: "worker",
  bootId: "0f1c0d52-21a5-4a3b-9f5e-0a1b2c3d4e5f", tls: toBase64(spki), wireguard: { wg1: wg, wg2: wg, wg3: wg }, hint: null,
};

t.test("claims: their canonical form is read, near misses aren't", async (t) => {
  t.same(parseClaims(canonicalJson(claims)), claims);
  const bad: [string, unknown][] = [
    ["unknown key", { ...claims, admin: true }],
    ["another cluster's grammar", { ...claims, cluster: "De mo" }],
    ["a role that is a path", { ...claims, role: "../master" }],
    ["a plane missing", { ...claims, wireguard: { wg1: wg, wg2: wg } }],
    ["a plane too many", { ...claims, wireguard: { ...claims.wireguard, wg0: wg } }],
    ["a key that is no base64", { ...claims, tls: "***" }],
    ["another version", { ...claims, version: 2 }],
  ];
  for (const [name, value] of bad) t.throws(() => parseClaims(canonicalJson(value)), { code: "BAD_VALUE" }, name);
  t.throws(() => parseClaims(Buffer.from(JSON.stringify(claims, null, 1))), { code: "BAD_VALUE" }, "not canonical");
  t.throws(() => parseClaims(fill(MAX_CLAIMS_BYTES + 1, 32)), { code: "TOO_LARGE" });
});
