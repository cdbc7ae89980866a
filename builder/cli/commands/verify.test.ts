import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { golden } from "../../../test/golden.ts";
import { SEALED_PASSPHRASE, sealing } from "../../../test/fakes/sealed-release.ts";
import { initKeys } from "../../keys/init-keys.ts";
import { healOut } from "../../out/append-index.ts";
import { INDEX_FILE } from "../../out/out-index.ts";
import { runCli } from "../run-cli.ts";

const { at, keys, seal, outFolder } = await sealing(t);
const [first, second] = ["0123456789abcdef", "1123456789abcdef"];
for (const [id, generation] of [[first, 1], [second, 2]] as const) {
  await seal("out", id, generation);
  await healOut(outFolder("out"));
}
writeFileSync(at("release.pub"), keys.releaseKey.export({ type: "spki", format: "pem" }));
await initKeys({ dir: at("others"), cluster: "demo", passphrase: SEALED_PASSPHRASE, now: new Date() });

async function run(...argv: readonly string[]) {
  let [out, err] = ["", ""];
  const io = { out: (text: string) => void (out += text), report: (line: string) => void (err += `${line}\n`), signal: new AbortController().signal, env: {}, now: () => new Date(), askSecret: () => Promise.reject(new Error("no terminal here")) };
  const exit = await runCli(argv, io, (text) => void (err += text));
  return { exit, out, err };
}

/** Spoils a copy of the whole out folder and verifies it. */
async function spoilt(spoil: (cluster: string) => void, ...argv: readonly string[]) {
  const copy = at("copy");
  cpSync(at("out"), copy, { recursive: true });
  spoil(join(copy, "demo"));
  const result = await run("verify", copy, "--keys", at("keys"), "-o", "json", ...argv);
  rmSync(copy, { recursive: true });
  const { releases, index } = JSON.parse(result.out) as { releases: { findings: { code: string }[] }[]; index: { findings: { code: string }[] } };
  return { exit: result.exit, codes: [...releases.flatMap((r) => r.findings), ...index.findings].map((f) => f.code) };
}

t.test("all of an out folder, or one release of it, with a key from outside", async (t) => {
  const all = await run("verify", at("out"), "--keys", at("keys"));
  t.equal(all.exit, 0, all.err);
  t.match(all.out, /^RELEASE +GENERATION +FILES +RESULT\n0123456789abcdef +1 +13 +good\n1123456789abcdef +2 +13 +good\nindex: 2 entries, head [0-9a-f]{64}\n$/);
  const one = await run("verify", at(`out/demo/${first}`), "--release-key", at("release.pub"), "-o", "json");
  t.match([one.exit, JSON.parse(one.out)], [0, { ok: true, trusted: true, releases: [{ id: first, generation: 1, findings: [] }], index: { entries: 2, findings: [] } }]);
  const shape = JSON.stringify(JSON.parse(one.out), null, 2).replaceAll(/[0-9a-f]{64}/g, "HEX").replaceAll(at(""), "DIR");
  t.equal(`${shape}\n`, golden("cli/build-verify.json", `${shape}\n`));
  cpSync(at(`out/demo/${first}`), at("alone"), { recursive: true });
  t.match(JSON.parse((await run("verify", at("alone"), "--keys", at("keys"), "-o", "json")).out), { ok: true, index: null }, "a copy somewhere else");
});

t.test("a folder doesn't vouch for itself", async (t) => {
  t.match(await run("verify", at("out")), { exit: 2, err: /the key in the folder itself proves nothing\n {2}next: --keys DIR/ });
  t.match(await run("verify", at("out"), "--self"), { exit: 0, err: /only compared with itself/ });
  t.match(JSON.parse((await run("verify", at("out"), "--self", "-o", "json")).out), { ok: true, trusted: false });
  t.match(await run("verify", at("out"), "--self", "--keys", at("keys")), { exit: 2 }, "one or the other");
  const others = await run("verify", at("out"), "--keys", at("others"));
  t.match(others, { exit: 8, err: /is not what was signed: \d+ things are wrong/ }, "whole, and by another key");
  t.match(others.out, /^SIGNATURE_WRONG +0123456789abcdef\/release\.json +no signature of a trusted key/m);
  t.match(await run("verify", at("out"), "--release-key", join(at("keys"), "db.crt")), { exit: 2, err: /no Ed25519 key/ });
});

t.test("what somebody did to the folder", async (t) => {
  const index = (d: string) => join(d, INDEX_FILE);
  const lines = readFileSync(at(`out/demo/${INDEX_FILE}`), "utf8").split(/(?<=\n)/);
  t.same(await spoilt(() => undefined), { exit: 0, codes: [] });
  t.same(await spoilt((d) => writeFileSync(index(d), lines[0] ?? "")), { exit: 8, codes: ["RELEASE_UNKNOWN"] }, "the index is shorter");
  t.same(await spoilt((d) => writeFileSync(index(d), lines[1] ?? "")), { exit: 8, codes: ["INDEX_BROKEN"] }, "its beginning is gone");
  t.same(await spoilt((d) => rmSync(index(d))), { exit: 8, codes: ["RELEASE_UNKNOWN", "RELEASE_UNKNOWN"] }, "it is gone");
  t.same(await spoilt((d) => rmSync(join(d, second), { recursive: true })), { exit: 8, codes: ["RELEASE_GONE"] }, "a release is gone");
  t.same(await spoilt((d) => { rmSync(join(d, second), { recursive: true }); cpSync(join(d, first), join(d, second), { recursive: true }); }), { exit: 8, codes: ["RELEASE_REPLACED"] }, "one release under another's name");
  t.same(await spoilt((d) => { chmodSync(join(d, first, "worker/uki.efi"), 0o644); writeFileSync(join(d, first, "worker/uki.efi"), "MZ"); }), { exit: 8, codes: ["FILE_CHANGED", "DOCUMENTS_DISAGREE", "SIGNATURE_WRONG", "DOCUMENTS_DISAGREE"] }, "another UKI");
});

t.test("what is in it, and what it was made of", async (t) => {
  t.match(await run("sbom", "show", at("out"), "--role", "worker"), { exit: 0, out: /^ROLE +KIND +NAME +VERSION OR ORIGIN\nworker +image +demo-worker +00\nworker +deb +libc6 +2\.41-12\nworker +file +\/etc\/hosts +rootfs-overlay\n$/ });
  t.match(JSON.parse((await run("sbom", "show", at("out"), "-o", "cyclonedx")).out), { bomFormat: "CycloneDX" });
  t.match(await run("sbom", "show", at("out"), "--role", "etcd"), { exit: 3, err: /no SBOM of role "etcd"; it has worker/ });
  const shown = await run("provenance", "show", at("out"));
  t.match(shown.out, /^release +1123456789abcdef, generation 2 of cluster demo\n/, "the newest of the index");
  t.match(shown.out, /^in +[0-9a-f]{16} +pkg:deb\/debian\/systemd-boot-efi@/m);
  t.match(JSON.parse((await run("provenance", "show", at(`out/demo/${first}`), "-o", "json")).out), { _type: "https://in-toto.io/Statement/v1", predicate: { buildDefinition: { externalParameters: { generation: 1 } } } });
  mkdirSync(at("empty"));
  for (const argv of [["verify", at("empty"), "--keys", at("keys")], ["sbom", "show", at("empty")], ["provenance", "show", at("empty")]]) t.match(await run(...argv), { exit: 3, err: /holds no release/ });
  for (const command of [["verify"], ["sbom", "show"], ["provenance", "show"]]) t.match((await run(...command, "--help")).out, /Examples:\n {2}kubedos-build/);
});
