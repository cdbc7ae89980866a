import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { parsePcrSignatures } from "../../proto/release/pcr-signatures.ts";
import { VOLUME_PCRS, volumePolicyRef } from "../../proto/release/volume-policy.ts";
import { isApproved, policyKeyOf } from "../../proto/tpm/policy-key.ts";
import { policyPcrDigest } from "../../proto/tpm/policy.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { initKeys } from "../keys/init-keys.ts";
import { openKeys } from "../keys/open-keys.ts";
import { valueAfter, wordDigest } from "../measure/event.ts";
import { predictPcrs } from "../measure/predict.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { addPcrSignatures, assembleUki } from "../uki/assemble.ts";
import { signPe } from "./sign-pe.ts";
import { signPolicy } from "./sign-policy.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const efi = (name: string): Uint8Array => readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi", name));
const root = mkdtempSync(join(tmpdir(), "kubedos-policy-"));
t.teardown(() => rmSync(root, { recursive: true }));
await initKeys({ dir: join(root, "keys"), cluster: "demo", passphrase: "correct horse battery", now: new Date() });
const keys = await openKeys(join(root, "keys"), "correct horse battery");
const unsigned = (role: string): Uint8Array =>
  assembleUki({ stub: efi("linuxx64.efi.stub"), linux: efi("systemd-bootx64.efi"), osrel: utf8(`ID=x\nIMAGE_ID=demo-${role}\n`), cmdline: utf8(`roothash=${"ab".repeat(32)} quiet`), uname: utf8("6.12"), initrd: utf8("i") });
const signed = (data: Uint8Array): Promise<Uint8Array> => signPe(data, keys.dbKey, keys.db);
const uki = await signed(unsigned("master"));
const volumes = (data: Uint8Array, by = keys, role = "master"): Promise<Uint8Array> => signPolicy({ purpose: "volumes", uki: data, role }, by);
const phaseOf = (data: Uint8Array, role = "master"): Promise<Uint8Array> => signPolicy({ purpose: "phase", uki: data, role }, keys);
const only = <T>(list: readonly T[]): T => {
  if (list.length !== 1 || list[0] === undefined) throw new Error(`expected one, found ${list.length}`);
  return list[0];
};
const key = policyKeyOf(keys.policyKey);

t.test("volumes: exactly what the release expects of PCR 4, 7, 11 and 12, up to the agent's word", async (t) => {
  const approval = only(parsePcrSignatures(await volumes(uki)));
  t.same(approval.pcrs, VOLUME_PCRS);
  const rules = predictPcrs(uki, keys);
  const exact = (pcr: string): Uint8Array => fromHex(rules[pcr]?.rule === "exact" ? rules[pcr].value : "");
  const sections = rules["11"]?.rule === "words" ? rules["11"].events : [];
  const words = ["enter-initrd", "leave-initrd", "kubedos-agent"].map((word) => ({ digest: toHex(wordDigest(word)) }));
  const values = new Map([[4, exact("4")], [7, exact("7")], [11, fromHex(valueAfter([...sections, ...words]))], [12, new Uint8Array(32)]]);
  t.equal(toHex(approval.policy), toHex(policyPcrDigest(values)));
  t.ok(isApproved(key, approval, volumePolicyRef("demo", "master")));
  t.notOk(isApproved(key, approval, volumePolicyRef("demo", "worker")), "not for another role");
  t.notOk(isApproved(key, approval, volumePolicyRef("other", "master")), "nor cluster");
  t.notOk(isApproved(key, approval, new Uint8Array(0)), "nor for whoever asks for PCR 11 alone");
  t.same(await volumes(uki), await volumes(uki), "twice the same");
});

t.test("approvals of PCR 11 change PCR 4, so what is sealed for both stands outside of the file", async (t) => {
  const phase = await phaseOf(unsigned("master"));
  const whole = addPcrSignatures(unsigned("master"), phase);
  t.same(await phaseOf(whole), phase, "PCR 11 is as before");
  t.notSame(await volumes(await signed(whole)), await volumes(uki));
  t.notSame(await volumes(uki, { ...keys, db: keys.kek }), await volumes(uki), "PCR 7 is by these keys");
});

t.test("the key approves UKIs, and no digest", async (t) => {
  await t.rejects(phaseOf(new Uint8Array(32)), { code: "MALFORMED" });
  await t.rejects(phaseOf(uki), { code: "MALFORMED" }, "signed already: it would be another file");
  await t.rejects(phaseOf(unsigned("worker")), { code: "NOT_OURS" }, "another role's");
  await t.rejects(volumes(unsigned("master")), { code: "MALFORMED" }, "not signed by db");
  await t.rejects(volumes(await signed(unsigned("worker"))), { code: "NOT_OURS" }, "another role's");
  await t.rejects(volumes(efi("systemd-bootx64.efi")), { code: "MALFORMED" }, "a program that measures nothing into PCR 11");
});

t.test("files of approvals: near misses", async (t) => {
  const good = new TextDecoder().decode(await phaseOf(unsigned("master")));
  t.equal(parsePcrSignatures(utf8(good)).length, 1);
  for (const [what, bad] of [
    ["another bank", good.replace("sha256", "sha1")],
    ["a field more", good.replace('"pcrs"', '"extra":1,"pcrs"')],
    ["no approvals", '{"sha256":[]}'],
    ["a PCR 24", good.replace("[11]", "[24]")],
    ["half a policy", good.replace(/"pol":"../, '"pol":"')],
    ["17 approvals", `{"sha256":[${Array.from({ length: 17 }, () => good.slice(11, -2)).join(",")}]}`],
    ["too much of it", good.padEnd(20_000)],
  ] as const) {
    t.throws(() => parsePcrSignatures(utf8(bad)), { name: "WireError" }, what);
  }
});
