import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { makeDarksite } from "../../darksite/make-darksite.ts";
import { smallLock } from "../../darksite/testing/small-lock.ts";
import { initKeys } from "../../keys/init-keys.ts";
import { openKeys } from "../../keys/open-keys.ts";
import { SmallArchive } from "../../lock/testing/small-archive.ts";
import { makeFileSigner } from "../../sign/signer.ts";
import { runCli } from "../run-cli.ts";

t.setTimeout(120_000);
const archive = await new SmallArchive().start();
const root = mkdtempSync(join(tmpdir(), "kubedos-darksite-cli-"));
t.teardown(async () => {
  await archive.remove();
  rmSync(root, { recursive: true });
});
const at = (name: string): string => join(root, name);
await initKeys({ dir: at("keys"), cluster: "demo", passphrase: "correct horse battery", now: new Date() });
const keys = await openKeys(at("keys"), "correct horse battery");
const signing = { cluster: "demo", signer: makeFileSigner(keys), releaseKey: keys.releaseKey };
await makeDarksite({ lock: await smallLock(archive), dir: at("site"), cacheDir: at("cache"), signing, now: new Date(), report: () => undefined });

async function run(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly said: string }> {
  const [out, said]: [string[], string[]] = [[], []];
  const io = { out: (text: string) => void out.push(text), report: (line: string) => void said.push(line), signal: new AbortController().signal, env: {}, now: () => new Date(), askSecret: async () => "" };
  const code = await runCli(argv, io, (text) => void said.push(text));
  return { code, out: out.join(""), said: said.join("\n") };
}

t.test("verify, for people and for machines", async (t) => {
  const good = await run("darksite", "verify", at("site"), "--keys", at("keys"), "--json");
  t.equal(good.code, 0, good.said);
  t.match(JSON.parse(good.out), { ok: true, dir: at("site"), files: 9, bytes: Number, cluster: "demo" });
  t.equal(Object.keys(JSON.parse(good.out) as object).join(), "ok,dir,files,bytes,cluster");
  t.match((await run("darksite", "verify", at("site"))).said, /is whole: 9 files, .* but without --keys nobody vouches for it/);
  writeFileSync(at("site/apt/stranger"), "x");
  const spoilt = await run("darksite", "verify", at("site"), "--json");
  t.equal(spoilt.code, 8);
  t.match(JSON.parse(spoilt.out), { ok: false, code: "DARKSITE_DIFFERS", message: /apt\/stranger is not on the list/ });
  rmSync(at("site/apt/stranger"));
  mkdirSync(at("empty"));
  t.equal((await run("darksite", "verify", at("empty"))).code, 3);
});

t.test("what is missing is named", async (t) => {
  const said = async (code: number, message: RegExp, ...argv: readonly string[]): Promise<void> => {
    const ended = await run(...argv);
    t.equal(ended.code, code, argv.join(" "));
    t.match(ended.said, message);
  };
  await said(2, /needs --lock LOCK and -o DIR/, "darksite", "cluster.yaml");
  await said(2, /add --darksite DIR; kubedos-build darksite makes one/, "build", "cluster.yaml", "--keys", at("keys"), "--mode", "both");
  await said(2, /follows a lock/, "build", "cluster.yaml", "--keys", at("keys"), "--darksite", at("site"));
  await said(2, /takes packages from mirrors alone/, "build", "cluster.yaml", "--keys", at("keys"), "--darksite", at("site"), "--mode", "connected");
  await said(2, /Allowed choices are connected, darksite, both/, "build", "cluster.yaml", "--keys", at("keys"), "--mode", "sometimes");
  await said(3, /holds no release/, "bundle", at("empty"), "-o", at("bundle"));
  await said(3, /has no files\.json/, "rebuild", at("empty"), "--out", at("out"));
});
