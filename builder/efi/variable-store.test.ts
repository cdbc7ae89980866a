import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { z } from "zod";
import { toHex } from "../../proto/wire/hex.ts";
import { OVMF_VARS } from "../guest/ovmf.ts";
import { makeFirmwareCertificate } from "../keys/firmware-certificate.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { secureBootStore } from "./secure-boot-store.ts";
import { SECURE_BOOT_SETTINGS, secureBootVariables } from "./secure-boot-variables.ts";
import { makeVariableStore } from "./variable-store.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-store-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const file = (name: string) => join(dir, name);
const OWNER = "11111111-2222-3333-4444-555555555555";
const VARIABLES_OFFSET = 0x64;

async function certificate(name: string, notBefore: string): Promise<Uint8Array> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const der = await makeFirmwareCertificate({ commonName: name, key: privateKey, serial: "4001", notBefore: new Date(notBefore), notAfter: new Date("2046-01-01") });
  writeFileSync(file(`${name}.crt`), new X509Certificate(der).toString());
  return der;
}

const keys = {
  pk: await certificate("PK", "2026-01-02T03:04:05Z"),
  kek: await certificate("KEK", "2026-02-03T04:05:06Z"),
  db: await certificate("db", "2026-12-31T23:59:59Z"),
  owner: OWNER,
};
const store = secureBootStore(keys);

/** What virt-fw-vars makes of the same certificates, from OVMF's own empty store. */
async function theirs(): Promise<Uint8Array> {
  const enrol = ["--set-pk", OWNER, file("PK.crt"), "--add-kek", OWNER, file("KEK.crt"), "--add-db", OWNER, file("db.crt"), "--sb"];
  await runTool(tc, ["virt-fw-vars", "-i", OVMF_VARS, "-o", file("theirs.fd"), ...enrol], { binds: [dir] });
  return readFileSync(file("theirs.fd"));
}

t.test("a store without variables is OVMF's own, to the byte", async (t) => {
  t.equal(toHex(makeVariableStore([])), toHex(readFileSync(join(tc.tree, OVMF_VARS))));
});

t.test("with keys it is virt-fw-vars' but for the order and the times, which are the certificates'", async (t) => {
  const { pk, kek, db, dbx } = secureBootVariables(keys);
  const sorted = [...SECURE_BOOT_SETTINGS, pk, kek, db, dbx].sort((a, b) => (a.name < b.name ? -1 : 1));
  const ours = makeVariableStore(sorted);
  const oracle = Uint8Array.from(await theirs());
  let at = VARIABLES_OFFSET;
  for (const { name, data } of sorted) {
    // EFI_TIME stands at offset 16 of each header; ours is judged below, from its own reading.
    oracle.set(ours.subarray(at + 16, at + 32), at + 16);
    at = Math.ceil((at + 60 + (name.length + 1) * 2 + data.length) / 4) * 4;
  }
  t.equal(toHex(ours), toHex(oracle));
});

const dump = z.object({ variables: z.array(z.object({ name: z.string(), attr: z.number(), data: z.string(), time: z.string().optional() })) });

t.test("virt-fw-vars reads what we meant", async (t) => {
  writeFileSync(file("ours.fd"), store);
  await runTool(tc, ["virt-fw-vars", "-i", file("ours.fd"), "--output-json", file("ours.json")], { binds: [dir] });
  const read = new Map(dump.parse(JSON.parse(readFileSync(file("ours.json"), "utf8"))).variables.map((v) => [v.name, v]));
  t.same([...read.keys()].sort(), ["CustomMode", "KEK", "PK", "SecureBootEnable", "db", "dbx"]);
  t.equal(read.get("SecureBootEnable")?.data, "01");
  t.equal(read.get("CustomMode")?.data, "00");
  for (const v of Object.values(secureBootVariables(keys))) {
    t.equal(read.get(v.name)?.data, toHex(v.data), v.name);
    t.equal(read.get(v.name)?.attr, 0x27, v.name);
  }
  const { stdout } = await runTool(tc, ["virt-fw-vars", "-i", file("ours.fd"), "--print", "--verbose"], { readBinds: [dir] });
  t.match(stdout, /name=PK .*time=2026-01-02 03:04:05/);
  t.match(stdout, /name=KEK .*time=2026-02-03 04:05:06/);
  t.match(stdout, /name=db .*time=2026-12-31 23:59:59/);
  t.match(stdout, /name=dbx .*time=2010-01-01 00:00:00/);
});

t.test("the same keys give the same store, other keys another one", async (t) => {
  const differs = (other: typeof keys): boolean => Buffer.compare(secureBootStore(other), store) !== 0;
  t.notOk(differs(keys));
  t.ok(differs({ ...keys, db: keys.kek }));
  t.ok(differs({ ...keys, owner: "11111111-2222-3333-4444-555555555556" }));
});

t.test("what doesn't fit is refused", async (t) => {
  const { db } = secureBootVariables(keys);
  const sized = (bytes: number) => ({ ...db, data: new Uint8Array(bytes) });
  const room = 0x40000 - VARIABLES_OFFSET - 60 - 6;
  t.ok(makeVariableStore([sized(room)]));
  t.throws(() => makeVariableStore([sized(room + 1)]), RangeError);
});
