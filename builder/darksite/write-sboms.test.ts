import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t from "tap";
import { runCli } from "../cli/run-cli.ts";
import { makeTar } from "../containers/testing/make-tar.ts";
import { smallImage, type SmallImage } from "../containers/testing/small-image.ts";
import { SmallArchive } from "../lock/testing/small-archive.ts";
import { parseFileList } from "./file-list.ts";
import { makeDarksite, type MakeDarksiteResult } from "./make-darksite.ts";
import { smallLock } from "./testing/small-lock.ts";
import { verifyDarksite } from "./verify-darksite.ts";

t.setTimeout(120_000);
const archive = await new SmallArchive().start();
const root = mkdtempSync(join(tmpdir(), "kubedos-site-sboms-"));
t.teardown(async () => {
  await archive.remove();
  rmSync(root, { recursive: true });
});
const APP = "registry.test/team/app:1";
const OTHER = "registry.test/other:1";
const status = (version: string): string => `Package: one\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`;
const imageOf = (version: string): SmallImage => smallImage([gzipSync(makeTar({ name: "var/lib/dpkg/status", data: status(version) }))]);
const apk = smallImage([gzipSync(makeTar({ name: "lib/apk/db/installed", data: "P:busybox\nV:1\nA:x86_64\n\n" }))]);
const lock = await smallLock(archive);

const lay = (dir: string, ...images: readonly SmallImage[]): void => {
  mkdirSync(join(dir, "oci/blobs/sha256"), { recursive: true });
  for (const { blobs } of images) for (const [sha256, data] of blobs) writeFileSync(join(dir, "oci/blobs/sha256", sha256), data);
};
const make = (dir: string, images: readonly (readonly [string, SmallImage])[]): Promise<MakeDarksiteResult> => {
  lay(dir, ...images.map(([, image]) => image));
  return makeDarksite({ lock: { ...lock, containers: images.map(([name, image]) => image.locked(name)) }, dir, cacheDir: join(root, "cache"), now: new Date(), report: () => undefined });
};
const sboms = (dir: string): readonly string[] => parseFileList(readFileSync(join(dir, "files.json")), "files.json").map((f) => f.path).filter((path) => path.startsWith("sbom/"));

t.test("two SBOMs for each image, listed and hashed; none for what is gone", async (t) => {
  const dir = join(root, "site");
  const first = imageOf("1");
  await make(dir, [[OTHER, apk], [APP, first]]);
  const stems = [`registry.test_other_1-${apk.sha256.slice(0, 12)}`, `registry.test_team_app_1-${first.sha256.slice(0, 12)}`];
  t.same(sboms(dir), stems.flatMap((stem) => [`sbom/${stem}.cdx.json`, `sbom/${stem}.spdx.json`]));
  await verifyDarksite({ dir, report: () => undefined });
  t.match(await make(dir, [[OTHER, apk], [APP, first]]), { kept: true }, "a second run keeps them");
  const before = sboms(dir).map((path) => readFileSync(join(dir, path), "utf8"));
  const again = join(root, "again");
  await make(again, [[OTHER, apk], [APP, first]]);
  t.same(sboms(again).map((path) => readFileSync(join(again, path), "utf8")), before, "another darksite has the same bytes");
  const second = imageOf("2");
  await make(dir, [[APP, second]]);
  t.same(readdirSync(join(dir, "sbom")).length, 4, "the name's older image has none any more, that of another lock has");
  t.match(readFileSync(join(dir, sboms(dir)[3] ?? ""), "utf8"), /"versionInfo":"2"/);
  await verifyDarksite({ dir, report: () => undefined });
  writeFileSync(join(dir, sboms(dir)[0] ?? ""), "{}");
  await t.rejects(verifyDarksite({ dir, report: () => undefined }), { code: "DARKSITE_DIFFERS", message: /sbom\/registry\.test_other_1-/ });
  t.match(await make(dir, [[APP, second]]), { kept: false }, "a spoilt one is written again");
  await verifyDarksite({ dir, report: () => undefined });
  rmSync(join(dir, "oci/blobs/sha256", apk.locked(OTHER).layers[0]?.sha256 ?? ""));
  await make(dir, [[APP, second]]);
  t.equal(sboms(dir).length, 2, "an image of another lock that lost a layer is no longer in the layout");
  t.notMatch(readFileSync(join(dir, "oci/index.json"), "utf8"), /other/);
});

t.test("an image whose packages can't be told leaves no finished darksite", async (t) => {
  const dir = join(root, "spoilt");
  const spoilt = smallImage([gzipSync(makeTar({ name: "var/lib/dpkg/status", data: "hello" }))]);
  await t.rejects(make(dir, [[APP, spoilt]]), { code: "PACKAGES_UNREADABLE", message: /^registry\.test\/team\/app:1: / });
  t.notOk(existsSync(join(dir, "files.json")));
  await t.resolves(make(dir, [[APP, imageOf("1")]]));
});

t.test("sbom show", async (t) => {
  const dir = join(root, "shown");
  await make(dir, [[OTHER, apk], [APP, imageOf("1")]]);
  const run = async (...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly said: string }> => {
    const [out, said]: [string[], string[]] = [[], []];
    const io = { out: (text: string) => void out.push(text), report: (line: string) => void said.push(line), signal: new AbortController().signal, env: {}, now: () => new Date(), askSecret: async () => "" };
    const code = await runCli(["sbom", "show", ...argv], io, (text) => void said.push(text));
    return { code, out: out.join(""), said: said.join("\n") };
  };
  t.match(await run(dir, "--image", APP), { code: 0, out: /^IMAGE +KIND +NAME +VERSION OR ORIGIN\n\S+app:1 +image +registry\.test\/team\/app:1 +sha256:[0-9a-f]{64}\n\S+ +layer +layer 1 +sha256:[0-9a-f]{64}\n\S+ +deb +one +1\n$/ });
  t.match(await run(dir), { code: 0, out: /apk +busybox +1\n/ });
  t.match(JSON.parse((await run(dir, "--image", OTHER, "-o", "cyclonedx")).out), { bomFormat: "CycloneDX" });
  t.match(await run(dir, "-o", "spdx"), { code: 2, said: /holds the images registry\.test\/other:1, registry\.test\/team\/app:1[\s\S]*--image registry\.test\/other:1/ });
  t.match(await run(dir, "--image", "registry.test/none:1"), { code: 3, said: /holds no SBOM of registry\.test\/none:1; it has registry\.test\/other:1/ });
  t.match(await run(dir, "--role", "worker"), { code: 2, said: /is a darksite/ });
  t.match(await run(join(root, "again", "apt"), "--image", APP), { code: 2, said: /is no darksite/ });
});
