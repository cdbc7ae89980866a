import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { context, objectId, sequence } from "../../proto/wire/der.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { ByteReader } from "../../proto/wire/reader.ts";
import { makeFirmwareCertificate } from "../keys/firmware-certificate.ts";
import { memoryKey } from "../keys/private-key.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { secureBootVariables } from "./secure-boot-variables.ts";
import { signVariable } from "./sign-variable.ts";
import { utf16 } from "./variable.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-auth-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const file = (name: string) => join(dir, name);

async function make(name: string) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const der = await makeFirmwareCertificate({ commonName: name, key: privateKey, serial: "4001", notBefore: new Date("2026-05-06T07:08:09Z"), notAfter: new Date("2046-01-01") });
  writeFileSync(file(`${name}.crt`), new X509Certificate(der).toString());
  writeFileSync(file(`${name}.key`), privateKey.export({ type: "pkcs8", format: "pem" }));
  return { key: memoryKey(privateKey), der };
}

const [pk, kek, db] = [await make("PK"), await make("KEK"), await make("db")];
const variables = secureBootVariables({ pk: pk.der, kek: kek.der, db: db.der, owner: "11111111-2222-3333-4444-555555555555" });
const auth = await signVariable(variables.db, kek.key, kek.der);

/** Takes a `.auth` file apart; sizes as the UEFI specification has them. */
function takeApart(data: Uint8Array) {
  const r = new ByteReader(data);
  const time = r.bytes(16);
  const length = r.u32le();
  const [revision, type, certType] = [r.u16le(), r.u16le(), r.bytes(16)];
  return { time, revision, type, certType, signature: r.bytes(length - 24), data: r.bytes(r.left) };
}

/** What is signed, put together here from the specification's words alone. */
function signedMessage(payload: Uint8Array, name = "db"): Uint8Array {
  const attributes = Uint8Array.of(0x27, 0, 0, 0);
  return concatBytes(utf16(name), variables.db.vendor, attributes, takeApart(auth).time, payload);
}

function verify(message: Uint8Array, certificate: string) {
  writeFileSync(file("message"), message);
  writeFileSync(file("signature"), sequence(objectId("1.2.840.113549.1.7.2"), context(0, takeApart(auth).signature)));
  return runTool(tc, ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", file("signature"), "-content", file("message"), "-CAfile", file(certificate), "-certfile", file(certificate), "-purpose", "any", "-out", "/dev/null"], { readBinds: [dir] });
}

t.test("the layout is the specification's", async (t) => {
  const parts = takeApart(auth);
  t.equal(toHex(parts.time), `ea07${"0506070809"}${"00".repeat(9)}`);
  t.equal(parts.revision, 0x0200);
  t.equal(parts.type, 0x0ef1);
  t.equal(toHex(parts.certType), "9dd2af4adf68ee498aa9347d375665a7");
  t.same(parts.data, variables.db.data);
  // edk2 before 2023 compares the digest's OID at this place and no other.
  t.equal(toHex(parts.signature.subarray(11, 22)), "0609608648016503040201");
});

t.test("openssl verifies it under the right key, for this variable and these contents alone", async (t) => {
  await verify(signedMessage(variables.db.data), "KEK.crt");
  await t.rejects(verify(signedMessage(variables.db.data), "PK.crt"), { code: "FAILED" }, "another key");
  await t.rejects(verify(signedMessage(variables.kek.data), "KEK.crt"), { code: "FAILED" }, "other contents");
  await t.rejects(verify(signedMessage(variables.db.data, "dc"), "KEK.crt"), { code: "FAILED" }, "another variable");
});

t.test("sbvarsign writes the same, up to its clock: it signs the time of signing as well", async (t) => {
  writeFileSync(file("db.esl"), variables.db.data);
  const attributes = "NON_VOLATILE,RUNTIME_ACCESS,BOOTSERVICE_ACCESS,TIME_BASED_AUTHENTICATED_WRITE_ACCESS";
  await runTool(tc, ["sbvarsign", "--key", file("KEK.key"), "--cert", file("KEK.crt"), "--attr", attributes, "--output", file("theirs.auth"), "db", file("db.esl")], { binds: [dir] });
  const theirs = takeApart(new Uint8Array(readFileSync(file("theirs.auth"))));
  t.same(theirs.data, takeApart(auth).data);
  t.equal(theirs.type, 0x0ef1);
  // Behind the outermost length: version, algorithm, type of the content, certificate.
  const end = 4 + 31 + kek.der.length;
  t.equal(toHex(theirs.signature.subarray(4, end)), toHex(takeApart(auth).signature.subarray(4, end)));
});

t.test("the same inputs give the same bytes; near misses", async (t) => {
  t.same(await signVariable(variables.db, kek.key, kek.der), auth);
  await t.rejects(signVariable(variables.db, pk.key, kek.der), RangeError, "a key that isn't the certificate's");
  const { time: _time, ...ageless } = variables.db;
  await t.rejects(signVariable({ ...ageless, data: utf8("x") }, kek.key, kek.der), RangeError, "a variable without a time");
});
