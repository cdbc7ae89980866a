import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { checkExtrasFit, resolveExtras } from "./resolve-extras.ts";
import { resolveWheel } from "./resolve-wheel.ts";
import { gatherWants, type Wants } from "./wants.ts";

const DATA = Buffer.from("a file\n");
const SHA = hash("sha256", DATA, "hex");
const pages = new Map<string, string | Buffer>([["/tool-1.tar.gz", DATA]]);
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? "");
  const page = pages.get(request.url ?? "");
  if (page === undefined) return void response.writeHead(404).end();
  response.end(page);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const dir = mkdtempSync(join(tmpdir(), "kubedos-wants-"));
t.teardown(() => {
  server.close();
  rmSync(dir, { recursive: true });
});
const spec = join(dir, "cluster.yaml");
const say = (text: string): void => writeFileSync(join(dir, "darksite.yaml"), text);
const HEAD = "apiVersion: kubedos/v1\nkind: Darksite\n";
const quiet = (): void => undefined;

/** One file of a project's page. */
const wheel = (filename: string, more: object = {}): object => ({ filename, url: `../../files/${filename}#sha256=x`, hashes: { sha256: hash("sha256", filename, "hex") }, size: 1234, yanked: false, ...more });
const project = (name: string, ...files: readonly object[]): void => void pages.set(`/simple/${name}/`, JSON.stringify({ meta: { "api-version": "1.1" }, name, files }));

t.test("what is wanted, from the file beside the spec, from roles and from workloads", async (t) => {
  t.same(await gatherWants(spec, []), { apiVersion: "kubedos/v1", kind: "Darksite", images: [], files: [], wheels: [], wheelIndex: "https://pypi.org/simple" }, "there need not be one");
  say(`${HEAD}images: [quay.io/b/b:1, quay.io/a/a:1]\nfiles:\n  - {name: tool, version: "1", url: ${base}/tool-1.tar.gz}\nwheels: [six==1.17.0]\n`);
  const wants = await gatherWants(spec, [{ name: "worker", images: ["quay.io/c/c:1", "quay.io/a/a:1"], files: ["tool"] }], ["quay.io/d/d:1"]);
  t.same(wants.images, ["quay.io/a/a:1", "quay.io/b/b:1", "quay.io/c/c:1", "quay.io/d/d:1"]);
  await t.rejects(gatherWants(spec, [{ name: "worker", files: ["other"] }]), { code: "BAD_WANTS", message: /role "worker" wants file "other"/ });
  const refused: readonly (readonly [string, RegExp])[] = [
    ["image: []", /:3:1: unknown key "image" \(did you mean "images"\?\)/],
    ["images: [debian]", /:3:10: images\.0: must be a full reference/],
    ["wheels: [six]", /wheels\.0: must be a project and its exact version/],
    ["wheels: ['six>=1']", /wheels\.0/],
    ["wheels: [six==1, six==2]", /wheels: names a project twice/],
    ["files: [{name: a, version: '1', url: 'ftp://x/y'}]", /files\.0\.url: must be an http or https address/],
    ["files: [{name: a, version: '1', url: 'http://x/'}]", /must end in a plain file name/],
    ["files: [{name: a, version: '../1', url: 'http://x/y'}]", /files\.0\.version/],
    ["files: [{name: a, version: '1', url: 'http://x/y'}, {name: a, version: '2', url: 'http://x/z'}]", /files: names a file twice/],
    ["a: &a [1]\nb: *a", /anchors are not read/],
  ];
  for (const [text, message] of refused) {
    say(`${HEAD}${text}\n`);
    await t.rejects(gatherWants(spec, []), { name: "SpecError", message }, text);
  }
});

t.test("the wheel that fits, and none that doesn't", async (t) => {
  project("one", wheel("one-1.0.tar.gz"), wheel("One-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"), wheel("one-1.0-cp313-cp313-win_amd64.whl"), wheel("one-1.1-py3-none-any.whl"));
  const found = await resolveWheel("one==1.0", `${base}/simple`);
  const file = "One-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
  t.same(found, { name: "one", version: "1.0", file, url: `${base}/files/${file}`, size: 1234, sha256: hash("sha256", file, "hex") });
  t.equal((await resolveWheel("one==1.1", `${base}/simple`)).file, "one-1.1-py3-none-any.whl");
  const none = { code: "SOURCE_GONE", message: /has no wheel of one==/ };
  await t.rejects(resolveWheel("one==1.2", `${base}/simple`), none);
  project("one", wheel("one-1.0-cp313-cp313-win_amd64.whl"), wheel("one-1.0-cp312-cp312-manylinux2014_x86_64.whl"), wheel("one-1.0-py3-none-any.whl", { yanked: "broken" }), wheel("other_one-1.0-py3-none-any.whl"));
  await t.rejects(resolveWheel("one==1.0", `${base}/simple`), none);
  await t.rejects(resolveWheel("nobody==1.0", `${base}/simple`), { code: "SOURCE_GONE" });
  for (const more of [{ size: undefined }, { hashes: {} }, { hashes: { sha256: "x" } }, { size: -1 }]) {
    project("one", wheel("one-1.0-py3-none-any.whl", more));
    await t.rejects(resolveWheel("one==1.0", `${base}/simple`), { code: "SOURCE_BAD", message: /doesn't say of one-1\.0-py3-none-any\.whl what a lock needs/ }, JSON.stringify(more));
  }
  pages.set("/simple/one/", "<html>");
  await t.rejects(resolveWheel("one==1.0", `${base}/simple`), { code: "SOURCE_BAD", message: /is no page of a package index in JSON/ });
});

t.test("a file's digest is learnt once and holds", async (t) => {
  const wants = (more: object = {}): Wants => ({ images: [], wheels: [], wheelIndex: base, files: [{ name: "tool", version: "1", url: `${base}/tool-1.tar.gz`, ...more }] });
  const learnt = await resolveExtras(wants(), undefined, quiet);
  t.same(learnt, { files: [{ name: "tool", version: "1", url: `${base}/tool-1.tar.gz`, size: DATA.length, sha256: SHA }] });
  pages.set("/tool-1.tar.gz", "something else");
  asked.length = 0;
  t.same(await resolveExtras(wants(), learnt, quiet), learnt, "a server can't change what was locked");
  t.same(asked, []);
  t.not((await resolveExtras(wants({ version: "2" }), learnt, quiet)).files?.[0]?.sha256, SHA, "another version is another file");
  await t.rejects(resolveExtras(wants({ sha256: SHA }), undefined, quiet), { code: "SOURCE_DIFFERS", message: new RegExp(`shall have SHA-256 ${SHA}, but`) });
  pages.set("/tool-1.tar.gz", DATA);
  t.same(await resolveExtras(wants({ sha256: SHA }), undefined, quiet), learnt);
  asked.length = 0;
  t.same(await resolveExtras(wants({ sha256: SHA, size: DATA.length }), undefined, quiet), learnt, "what is written down whole asks nobody");
  t.same(asked, []);
});

t.test("a lock for other wants says which", async (t) => {
  const wants: Wants = { images: [], wheels: [], wheelIndex: base, files: [{ name: "tool", version: "1", url: `${base}/tool-1.tar.gz` }] };
  const lock = await resolveExtras(wants, undefined, quiet);
  t.doesNotThrow(() => checkExtrasFit(lock, wants, "next"));
  t.throws(() => checkExtrasFit({}, wants, "next"), { code: "LOCK_STALE", message: /^file tool 1 of .* is wanted/, next: "next" });
  t.throws(() => checkExtrasFit(lock, { ...wants, files: [] }, "next"), { code: "LOCK_STALE", message: /nobody wants any more/ });
  t.throws(() => checkExtrasFit(lock, { ...wants, images: ["quay.io/a/a:1"] }, "next"), { code: "LOCK_STALE", message: /^container image quay\.io\/a\/a:1 is wanted/ });
});
