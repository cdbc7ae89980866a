import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { PcrRule } from "../../../proto/release/release.ts";
import { utf8 } from "../../../proto/wire/bytes.ts";
import { initKeys } from "../../keys/init-keys.ts";
import { defaultCacheDir, ensureToolchain } from "../../toolchain/ensure-toolchain.ts";
import { assembleUki } from "../../uki/assemble.ts";
import { runCli } from "../run-cli.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const dir = mkdtempSync(join(tmpdir(), "kubedos-measure-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const efi = (name: string): Uint8Array => readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi", name));
const [uki, keys] = [join(dir, "uki.efi"), join(dir, "keys")];
await initKeys({ dir: keys, cluster: "demo", passphrase: "correct horse battery", now: new Date() });
writeFileSync(uki, assembleUki({ stub: efi("linuxx64.efi.stub"), linux: efi("systemd-bootx64.efi"), osrel: utf8("ID=x\n"), cmdline: utf8("quiet"), uname: utf8("6.12"), initrd: utf8("i") }));

async function measure(...argv: readonly string[]) {
  let [out, err] = ["", ""];
  const io = {
    out: (line: string) => void (out += line),
    report: () => undefined,
    signal: new AbortController().signal,
    env: {},
    now: () => new Date(),
    askSecret: () => Promise.reject(new Error("no terminal here")),
  };
  const exit = await runCli(["measure", ...argv, "--keys", keys], io, (line) => void (err += line));
  return { exit, out, err };
}
const sections = (json: string): readonly string[] => {
  const { pcrs } = JSON.parse(json) as { pcrs: Record<string, PcrRule> };
  return pcrs["11"]?.rule === "words" ? pcrs["11"].events.map((e) => e.what).filter((what) => what.startsWith("the UKI has")) : [];
};

t.test("as the file's own stub measures, or another version of it", async (t) => {
  const own = await measure(uki, "--json");
  t.equal(own.exit, 0);
  t.equal(sections(own.out).length, 6);
  t.equal((await measure(uki, "--json", "--stub-version", "257.13-1~deb13u1")).out, own.out);
  const older = await measure(uki, "--json", "--stub-version", "252");
  t.same(sections(older.out), sections(own.out).slice(0, 4), "without .uname and .sbat");
  t.match((await measure(uki)).out, /^PCR 11 {2}words {5}[0-9a-f]{64}$/m);
});

t.test("unknown stubs and versions that are none", async (t) => {
  const unknown = await measure(uki, "--stub-version", "253");
  t.equal(unknown.exit, 8);
  t.match(unknown.err, /systemd-stub 253.*known are 252, 255.*\n {2}next: .*--stub-version/);
  const none = join(dir, "boot.efi");
  writeFileSync(none, efi("systemd-bootx64.efi"));
  t.match(await measure(none), { exit: 8, err: /isn't made with systemd-stub/ });
  t.match(await measure(uki, "--stub-version", "new"), { exit: 2, err: /must be a version/ });
});
