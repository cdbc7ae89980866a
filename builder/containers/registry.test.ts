import { hash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t from "tap";
import { makeDarksite } from "../darksite/make-darksite.ts";
import { smallLock } from "../darksite/testing/small-lock.ts";
import { verifyDarksite } from "../darksite/verify-darksite.ts";
import { SmallArchive } from "../lock/testing/small-archive.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { resolveImage } from "./resolve-image.ts";
import { pushBlob, pushManifest, startRegistry } from "./testing/start-registry.ts";

t.setTimeout(300_000);
const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const root = mkdtempSync(join(tmpdir(), "kubedos-registry-"));
const tokens: string[] = [];
const tokenServer = createServer((request, response) => {
  tokens.push(request.url ?? "");
  response.end(JSON.stringify({ token: `token-${tokens.length}` }));
});
await new Promise<void>((resolve) => tokenServer.listen(0, "127.0.0.1", resolve));
const realm = `http://127.0.0.1:${(tokenServer.address() as AddressInfo).port}/token`;
const [open, guarded] = [await startRegistry(tc, join(root, "open")), await startRegistry(tc, join(root, "guarded"), realm)];
const archive = await new SmallArchive().start();
t.teardown(async () => {
  tokenServer.closeAllConnections();
  tokenServer.close();
  await Promise.all([open.stop(), guarded.stop(), archive.remove()]);
  rmSync(root, { recursive: true });
});

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const KNOWN = { authorization: "Bearer a test's own" };
/** A tar of one empty file: 512 bytes of header, 1024 of end. */
const layerOf = (name: string): Uint8Array => {
  const header = Buffer.alloc(1536);
  header.write(name, 0);
  header.write("0000644\0" + "0000000\0".repeat(2) + "00000000000\0".repeat(2) + "        0", 100);
  header.write("ustar\0" + "00", 257);
  const sum = header.subarray(0, 512).reduce((a, b) => a + b, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
};

/** Pushes an image of two layers and gives its manifest's descriptor. */
async function pushImage(host: string, tag: string, architecture = "amd64"): Promise<{ readonly digest: string; readonly size: number }> {
  const layers = ["one", `two-${tag}-${architecture}`].map((name) => ({ plain: layerOf(name), packed: gzipSync(layerOf(name)) }));
  const config = Buffer.from(JSON.stringify({ architecture, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: layers.map((l) => `sha256:${hash("sha256", l.plain, "hex")}`) }, history: [] }));
  const blobs = await Promise.all(layers.map((l) => pushBlob(host, "team/app", l.packed, KNOWN)));
  return pushManifest(host, "team/app", tag, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...(await pushBlob(host, "team/app", config, KNOWN)) },
    layers: blobs.map((blob) => ({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...blob })),
  } as { readonly mediaType: string }, KNOWN);
}
const entry = (descriptor: object, architecture: string): object => ({ mediaType: MANIFEST, ...descriptor, platform: { os: "linux", architecture } });

t.test("an image by tag, by digest, and out of an index", async (t) => {
  const { digest, size } = await pushImage(open.host, "1");
  const byTag = await resolveImage(`${open.host}/team/app:1`);
  t.match(byTag, { name: `${open.host}/team/app:1`, registry: open.host, repository: "team/app", mediaType: MANIFEST, sha256: digest.slice(7), size });
  t.equal(byTag.layers.length, 2);
  t.equal((await resolveImage(`${open.host}/team/app@${digest}`)).sha256, digest.slice(7));
  const arm = await pushImage(open.host, "arm", "arm64");
  await pushManifest(open.host, "team/app", "all", { schemaVersion: 2, mediaType: INDEX, manifests: [entry(arm, "arm64"), entry({ digest, size }, "amd64")] } as { readonly mediaType: string });
  t.same({ ...(await resolveImage(`${open.host}/team/app:all`)), name: "" }, { ...byTag, name: "" }, "the one for our machines");
  await pushManifest(open.host, "team/app", "armed", { schemaVersion: 2, mediaType: INDEX, manifests: [entry(arm, "arm64")] } as { readonly mediaType: string });
  await t.rejects(resolveImage(`${open.host}/team/app:armed`), { code: "SOURCE_GONE", message: /is not made for linux\/amd64/ });
  await t.rejects(resolveImage(`${open.host}/team/app:2`), { code: "SOURCE_GONE" });
  await t.rejects(resolveImage(`${open.host}/team/app@sha256:${"0".repeat(64)}`), { code: "SOURCE_GONE" });
});

t.test("a registry that hands out tokens", async (t) => {
  await pushImage(guarded.host, "1");
  tokens.length = 0;
  await resolveImage(`${guarded.host}/team/app:1`);
  t.equal(tokens.length, 1);
  const asked = new URL(tokens[0] ?? "", realm);
  t.same(Object.fromEntries(asked.searchParams), { service: "registry of a test", scope: "repository:team/app:pull" });
});

t.test("a darksite's layout, as skopeo reads it", async (t) => {
  await pushImage(guarded.host, "2");
  const [first, second] = [await resolveImage(`${open.host}/team/app:1`), await resolveImage(`${guarded.host}/team/app:2`)];
  const containers = [first, second].sort((a, b) => (a.name < b.name ? -1 : 1));
  const [dir, cacheDir, copy] = [join(root, "site"), join(root, "cache"), join(root, "copy")];
  const lock = await smallLock(archive, { containers });
  const make = (of = lock): ReturnType<typeof makeDarksite> => makeDarksite({ lock: of, dir, cacheDir, now: new Date(), report: () => undefined });
  await make();
  await verifyDarksite({ dir, report: () => undefined });
  for (const image of containers) {
    await runTool(tc, ["skopeo", "--insecure-policy", "copy", `oci:${join(dir, "oci")}:${image.name}`, `dir:${copy}`], { readBinds: [dir], binds: [root] });
    t.equal(hash("sha256", readFileSync(join(copy, "manifest.json")), "hex"), image.sha256, image.name);
  }
  t.match(await make(), { kept: true, added: 0 });
  const moved = { ...second, name: first.name, registry: first.registry };
  t.match(await make({ ...lock, containers: [moved] }), { kept: false, added: 0 }, "a name that is another image now");
  await runTool(tc, ["skopeo", "--insecure-policy", "copy", `oci:${join(dir, "oci")}:${first.name}`, `dir:${copy}`], { readBinds: [dir], binds: [root] });
  t.equal(hash("sha256", readFileSync(join(copy, "manifest.json")), "hex"), second.sha256);
  t.equal((JSON.parse(readFileSync(join(dir, "oci/index.json"), "utf8")) as { readonly manifests: readonly unknown[] }).manifests.length, 2, "and the other name stays");
});
