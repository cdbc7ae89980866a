import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { Darksite } from "../../proto/release/darksite.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { initKeys } from "../keys/init-keys.ts";
import { openKeys } from "../keys/open-keys.ts";
import { makeFileSigner, type Signer } from "../sign/signer.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { assembleUki } from "../uki/assemble.ts";
import { recordSigner } from "./record-signer.ts";
import { makeRecordedSigner } from "./recorded-signer.ts";
import { parseRecords } from "./signature-record.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const root = mkdtempSync(join(tmpdir(), "kubedos-records-"));
t.teardown(() => rmSync(root, { recursive: true }));
await initKeys({ dir: join(root, "keys"), cluster: "demo", passphrase: "correct horse battery", now: new Date() });
const real = makeFileSigner(await openKeys(join(root, "keys"), "correct horse battery"));

const efi = (name: string): Uint8Array => readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi", name));
const uki = (initrd: string): Uint8Array => assembleUki({ stub: efi("linuxx64.efi.stub"), linux: efi("systemd-bootx64.efi"), osrel: utf8("ID=x\nIMAGE_ID=demo-worker\n"), cmdline: utf8(`roothash=${"ab".repeat(32)} quiet`), uname: utf8("6.12"), initrd: utf8(initrd) });
const about = { role: "worker", release: "0123456789abcdef" };
const said = (files: number): Uint8Array => canonicalJson({ kind: "kubedos/darksite", version: 1, cluster: "demo", list: { sha256: "0".repeat(64), size: 1 }, files, bytes: 1, aptCertificate: "1".repeat(64) } satisfies Darksite);
const [one, two] = [uki("one"), uki("two")];
const file = join(root, "records/signatures.jsonl");
const journal = join(root, ".journal.jsonl");

/** Signs these in this order, and gives what came back. */
async function signAll(signer: Signer, order: readonly number[]): Promise<readonly unknown[]> {
  const work = [() => signer.signUki(one, about), () => signer.signUki(two, about), () => signer.signDocument("darksite", said(1)), () => signer.signDocument("darksite", said(2))];
  const results: unknown[] = [];
  for (const i of order) results[i] = await work[i]?.();
  return results;
}

t.test("what was signed is signed again without keys, the very same", async (t) => {
  const recording = await recordSigner(real, file, journal);
  const first = await signAll(recording.signer, [2, 0, 3, 1]);
  await recording.close();
  const written = readFileSync(file);
  const recorded = makeRecordedSigner(parseRecords(written), async () => []);
  t.same(await signAll(recorded, [0, 1, 2, 3]), first);
  t.same(await signAll(real, [0, 1, 2, 3]), first, "as the keys would");
  const again = await recordSigner(real, join(root, "records/again.jsonl"), journal);
  await signAll(again.signer, [3, 1, 0, 2]);
  await again.close();
  t.same(readFileSync(join(root, "records/again.jsonl")), written, "in whatever order: one file");
});

t.test("anything else is refused, and what differs is named", async (t) => {
  const recorded = makeRecordedSigner(parseRecords(readFileSync(file)), async (what) => (what === "uki" ? [await real.signUki(one, about)] : [said(1)]));
  await t.rejects(recorded.signUki(uki("three"), about), { code: "NOT_SIGNED", message: /: section \.initrd was [0-9a-f]{64} and is [0-9a-f]{64}$/ });
  await t.rejects(recorded.signDocument("darksite", said(7)), { code: "NOT_SIGNED", message: /this document darksite is none of it: files was 1 and is 7$/ });
  await t.rejects(recorded.signDocument("pins", said(1)), { code: "NOT_SIGNED" }, "what was signed for one purpose, for another");
  const flipped = Uint8Array.from(one);
  flipped[flipped.length - 1] = 1;
  await t.rejects(recorded.signUki(flipped, about), { code: "NOT_SIGNED" }, "one byte");
});

t.test("a build that was stopped leaves what it had", async (t) => {
  const stopped = join(root, "records/stopped.jsonl");
  await signAll((await recordSigner(real, stopped, journal)).signer, [0, 2]);
  t.notOk(existsSync(stopped), "what isn't whole has no name");
  appendFileSync(journal, '{"answer":"half of a li');
  const next = await recordSigner(real, stopped, journal);
  await signAll(next.signer, [1, 3]);
  await next.close();
  t.same(readFileSync(stopped), readFileSync(file));
  t.notOk(existsSync(journal));
  const third = await recordSigner(real, stopped, journal);
  await third.close();
  t.same(readFileSync(stopped), readFileSync(file), "a release that was there already");
  writeFileSync(stopped, "something else\n");
  await t.rejects(recordSigner(real, stopped, journal), { code: "BAD_VALUE" });
});
