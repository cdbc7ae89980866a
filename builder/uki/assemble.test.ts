import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { utf8 } from "../../proto/wire/bytes.ts";
import { valueAfter, wordDigest } from "../measure/event.ts";
import { expectPcr11, measuredSections } from "../measure/pcr11.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { parsePe } from "../pe/parse.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { memoryKey } from "../keys/private-key.ts";
import { signPolicy } from "../sign/sign-policy.ts";
import { addPcrSignatures, assembleUki, type UkiParts } from "./assemble.ts";
import { mergeSbat } from "./sbat.ts";
import { unpackUki } from "./unpack.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const secureBoot = { pk: new Uint8Array(1), kek: new Uint8Array(1), db: new Uint8Array(1), owner: "11111111-2222-3333-4444-555555555555" };
const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-uki-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const stub = readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi/linuxx64.efi.stub"));
const parts = {
  stub,
  osrel: utf8("ID=kubedos\nIMAGE_ID=demo-worker\n"),
  cmdline: utf8(`roothash=${"00".repeat(32)} quiet`),
  uname: utf8("6.12.1-test"),
  // Lengths that no alignment divides, so that padding would show in a measurement.
  initrd: utf8("i".repeat(100_003)),
  pcrpkey: utf8(publicKey.export({ type: "spki", format: "pem" }).toString()),
  // Any PE serves as a kernel here, and the stub is at hand.
  linux: readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi/systemd-bootx64.efi")),
} satisfies UkiParts;

const file = (name: string) => join(dir, name);
for (const name of ["osrel", "cmdline", "initrd", "linux", "pcrpkey", "uname"] as const) writeFileSync(file(name), parts[name]);
const ukify = ["ukify", "build", `--linux=${file("linux")}`, `--initrd=${file("initrd")}`, `--cmdline=@${file("cmdline")}`, `--os-release=@${file("osrel")}`, "--uname=6.12.1-test", `--pcrpkey=${file("pcrpkey")}`] as const;
const sections = ["linux", "osrel", "cmdline", "initrd", "uname", "sbat", "pcrpkey"].map((name) => `--${name}=${file(name)}`);
writeFileSync(file("sbat"), parsePe(assembleUki(parts)).sections.find((s) => s.name === ".sbat")?.data ?? "");
writeFileSync(file("key"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });

t.test("the same bytes as ukify", async (t) => {
  await runTool(tc, [...ukify, `--output=${file("oracle.efi")}`], { binds: [dir] });
  const ours = assembleUki(parts);
  const theirs = readFileSync(file("oracle.efi"));
  const contents = (pe: Uint8Array) => parsePe(pe).sections.map((s) => [s.name, toHex(s.data)]);
  t.same(contents(ours), contents(theirs));
  t.ok(Buffer.from(ours).equals(theirs), "headers too");
  t.same(assembleUki(parts), ours, "twice the same");
  const { stub: _stub, ...inputs } = parts;
  const plain = (p: object) => Object.fromEntries(Object.entries(p).map(([k, v]) => [k, toHex(v as Uint8Array)]));
  t.same(plain(unpackUki(ours)), plain(inputs), "and back");
});

t.test("PCR 11 as ukify --measure and systemd-measure calculate it", async (t) => {
  const events = expectPcr11(measuredSections(parsePe(assembleUki(parts))));
  // Words of systemd: the oracles take no others.
  const phases = ["enter-initrd", "leave-initrd", "sysinit", "ready"];
  const ours = phases.map((_, i) => valueAfter([...events, ...phases.slice(0, i + 1).map((w) => ({ digest: toHex(wordDigest(w)) }))]));
  const prefixes = phases.map((_, i) => phases.slice(0, i + 1).join(":"));

  const measured = await runTool(tc, [...ukify, "--measure", "--pcr-banks=sha256", `--output=${file("measured.efi")}`], { binds: [dir] });
  t.same(sha256Lines(measured.stdout), ours, "ukify --measure");

  const calculated = await runTool(tc, ["/usr/lib/systemd/systemd-measure", "calculate", ...sections, "--bank=sha256", ...prefixes.map((p) => `--phase=${p}`)], { readBinds: [dir] });
  t.same(sha256Lines(calculated.stdout), ours, "systemd-measure calculate");
});

t.test("approvals of PCR 11 as systemd-measure signs them, in the place where ukify puts them", async (t) => {
  const words = "enter-initrd:leave-initrd:kubedos-agent";
  const keys = [`--private-key=${file("key")}`, `--public-key=${file("pcrpkey")}`];
  const signed = await runTool(tc, ["/usr/lib/systemd/systemd-measure", "sign", ...sections, ...keys, "--bank=sha256", `--phase=${words}`], { readBinds: [dir] });
  const uki = assembleUki(parts);
  const ours = await signPolicy({ purpose: "phase", uki, role: "worker" }, { ...secureBoot, cluster: "demo", policySigningKey: memoryKey(privateKey) });
  t.same(JSON.parse(new TextDecoder().decode(ours)), JSON.parse(signed.stdout));

  writeFileSync(file("pcrsig"), ours);
  await runTool(tc, [...ukify, `--section=.pcrsig:@${file("pcrsig")}`, `--output=${file("with-approvals.efi")}`], { binds: [dir] });
  const approved = addPcrSignatures(uki, ours);
  t.ok(Buffer.from(approved).equals(readFileSync(file("with-approvals.efi"))), "the same bytes as ukify");
  t.same(expectPcr11(measuredSections(parsePe(approved))), expectPcr11(measuredSections(parsePe(uki))), "what is approved doesn't change by it");
  t.throws(() => addPcrSignatures(approved, ours), { code: "BAD_SECTION" }, "not twice");
});

function sha256Lines(text: string): string[] {
  return [...text.matchAll(/^11:sha256=([0-9a-f]{64})$/gm)].map((m) => m[1] ?? "");
}

t.test("near misses", async (t) => {
  t.throws(() => assembleUki({ ...parts, stub: utf8("MZ") }), { code: "TRUNCATED" });
  t.throws(() => assembleUki({ ...parts, linux: utf8("not a kernel") }), { code: "NOT_PE" });
  t.throws(() => assembleUki({ ...parts, stub: assembleUki(parts) }), { code: "BAD_SECTION" }, "a UKI is no stub");
  t.throws(() => mergeSbat([utf8("systemd,1,x\n")]), RangeError);
});
