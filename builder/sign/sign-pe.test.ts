import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { makeFirmwareCertificate } from "../keys/firmware-certificate.ts";
import { memoryKey } from "../keys/private-key.ts";
import { parsePe } from "../pe/parse.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { assembleUki } from "../uki/assemble.ts";
import { authenticodeDigest } from "./authenticode-digest.ts";
import { signatureOf, signPe } from "./sign-pe.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-sign-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const file = (name: string) => join(dir, name);
const efi = (name: string) => readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi", name));

async function makeKey(name: string) {
  const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const span = { notBefore: new Date("2026-01-01"), notAfter: new Date("2046-01-01") };
  const der = await makeFirmwareCertificate({ commonName: `kubedos db ${name}`, key, serial: "4001", ...span });
  writeFileSync(file(`${name}.crt`), new X509Certificate(der).toString());
  writeFileSync(file(`${name}.key`), key.export({ type: "pkcs8", format: "pem" }));
  return { key: memoryKey(key), der };
}

const db = await makeKey("db");
await makeKey("other");
const linux = efi("systemd-bootx64.efi");
const uki = assembleUki({ stub: efi("linuxx64.efi.stub"), osrel: utf8("ID=kubedos\n"), cmdline: utf8("quiet"), uname: utf8("6.12"), initrd: utf8("initrd"), linux });
const signed = await signPe(uki, db.key, db.der);

function verify(image: Uint8Array, certificate = "db.crt") {
  writeFileSync(file("image.efi"), image);
  return runTool(tc, ["sbverify", "--cert", file(certificate), file("image.efi")], { readBinds: [dir] });
}

t.test("sbverify takes it, and only under the right certificate", async (t) => {
  t.match((await verify(signed)).stdout, /Signature verification OK/);
  await t.rejects(verify(signed, "other.crt"), { code: "FAILED" });
  await t.rejects(verify(uki), { code: "FAILED" }, "unsigned");
});

t.test("one flipped byte anywhere that is hashed is refused", async (t) => {
  const { sections, sizeOfHeaders } = parsePe(signed);
  const places = [0x42, sizeOfHeaders - 1, ...sections.map((s) => s.rawOffset), uki.length - 1];
  for (const at of places) {
    const bad = Uint8Array.from(signed);
    bad[at] = (bad[at] ?? 0) ^ 0x20;
    await t.rejects(verify(bad), { code: "FAILED" }, `offset ${at}`);
  }
});

t.test("the same image, key and certificate give the same bytes", async (t) => {
  t.same(await signPe(uki, db.key, db.der), signed);
});

t.test("signing leaves the Authenticode digest alone, and sbsign signs the same one", async (t) => {
  const digest = toHex(authenticodeDigest(parsePe(uki)));
  t.equal(toHex(authenticodeDigest(parsePe(signed))), digest);
  writeFileSync(file("uki.efi"), uki);
  await runTool(tc, ["sbsign", "--key", file("db.key"), "--cert", file("db.crt"), "--output", file("sbsigned.efi"), file("uki.efi")], { binds: [dir] });
  const theirs = readFileSync(file("sbsigned.efi"));
  t.equal(toHex(authenticodeDigest(parsePe(theirs))), digest);
  t.ok(Buffer.from(signatureOf(theirs) ?? []).includes(Buffer.from(digest, "hex")), "the digest stands in sbsign's signature");
  t.ok(Buffer.from(signatureOf(signed) ?? []).includes(Buffer.from(digest, "hex")), "and in ours");
  const checksum = (pe: Uint8Array) => new DataView(pe.buffer, pe.byteOffset).getUint32(parsePe(pe).checksumOffset, true);
  t.ok(checksum(signed) !== 0);
});

t.test("near misses", async (t) => {
  await t.rejects(signPe(signed, db.key, db.der), { code: "SIGNED" });
  await t.rejects(signPe(uki.subarray(0, 300), db.key, db.der), { code: "TRUNCATED" });
  await t.rejects(signPe(uki, memoryKey(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey), db.der), RangeError, "another key");
  await t.rejects(signPe(uki, memoryKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey), db.der), RangeError, "no RSA key");
});
