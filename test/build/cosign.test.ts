import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { listSignedFiles } from "../../builder/release/sign-files.ts";
import { defaultCacheDir } from "../../builder/toolchain/ensure-toolchain.ts";
import { sealing } from "../fakes/sealed-release.ts";
import { ensureCosign } from "./ensure-cosign.ts";

// The first time, it fetches cosign.
t.setTimeout(5 * 60_000);

const { tc, at, keys, seal } = await sealing(t);
const release = await seal("out", "0123456789abcdef");
const cosign = await ensureCosign(tc, defaultCacheDir, (line) => t.comment(line));
const dir = at("out/demo/0123456789abcdef");
const file = (name: string) => join(dir, name);
writeFileSync(at("release.pub"), keys.releaseKey.export({ type: "spki", format: "pem" }));
// The key's owner keeps no public log of what it signs; without this word cosign asks one.
const trust = ["--key", at("release.pub"), "--private-infrastructure"];
const blob = (name: string, bundle: string, ...more: readonly string[]) => cosign(["verify-blob", ...trust, "--bundle", bundle, ...more, name], at(""));

t.test("cosign verify-blob takes the signature beside each file, without a network", async (t) => {
  for (const { path } of listSignedFiles(release)) t.match(await blob(file(path), file(`${path}.bundle`)), /Verified OK/, path);
  await t.rejects(blob(file("worker/uki.efi"), file("release.json.bundle")), /failed to verify signature/, "another file's");
  cpSync(file("SHA256SUMS"), at("sums"));
  writeFileSync(at("sums"), readFileSync(at("sums"), "utf8").replace(/^./, (c) => (c === "0" ? "1" : "0")));
  await t.rejects(blob(at("sums"), file("SHA256SUMS.bundle")), /failed to verify signature/, "one digit changed");
});

t.test("and the sigstore form, where it is told that there is no root of trust but the key", async (t) => {
  writeFileSync(at("root.json"), '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}');
  const verify = (name: string) => blob(name, file("SHA256SUMS.sigstore.json"), "--new-bundle-format", "--trusted-root", at("root.json"));
  t.match(await verify(file("SHA256SUMS")), /Verified OK/);
  await t.rejects(verify(at("sums")), /failed to verify/);
});

t.test("the provenance is an attestation for every file that it names, the disk too", async (t) => {
  const attest = (name: string) => cosign(["verify-blob-attestation", ...trust, "--signature", file("provenance.json"), "--type", "slsaprovenance1", name], at(""));
  for (const name of ["worker/disk.qcow2", "worker/uki.efi", "release.json"]) t.match(await attest(file(name)), /Verified OK/, name);
  await t.rejects(attest(at("sums")), /subject|digest/, "a file that it doesn't name");
});
