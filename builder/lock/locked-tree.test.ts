import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { distro } from "../distro/current.ts";
import { debPath } from "./ensure-debs.ts";
import { type Lock, packagesOf } from "./lock.ts";
import { makeLockedTree } from "./locked-tree.ts";
import { resolveLock } from "./resolve-lock.ts";
import { treeDigest } from "./tree-digest.ts";

// Debian's own archive, the host's own apt and mmdebstrap. Of this lock only the small set is ever fetched.
// About 25 s alone on two cores; four times that beside busy neighbours.
t.setTimeout(170_000);
const root = mkdtempSync(join(tmpdir(), "kubedos-locked-"));
t.teardown(() => rmSync(root, { recursive: true, force: true }));
const say = (line: string): void => void t.comment(line);
const at = (name: string): string => join(root, name);
const lock = await resolveLock({ origins: distro.origins, keyring: distro.keyring, kernel: distro.kernelPackage, base: ["linux-image-cloud-amd64"], toolchain: [distro.stubPackage], roles: [], stub: distro.stubPackage, report: say });
const make = (out: string, from: Lock = lock): Promise<void> => makeLockedTree({ lock: from, set: "toolchain", cacheDir: at("cache"), out: at(out), report: say });
const packages = packagesOf(lock, "toolchain");

t.test("a tree from Debian's archive", async (t) => {
  await make("online");
  t.ok(packages.length > 50);
  t.match(packages.find((p) => p.name === distro.stubPackage), { origin: /^debian/, path: /^pool\/main\/s\/systemd/ });
});

t.test("without a network, the same tree; with a package less in the cache, none", async (t) => {
  const before = process.env["http_proxy"];
  t.teardown(() => {
    if (before === undefined) delete process.env["http_proxy"];
    else process.env["http_proxy"] = before;
  });
  // The discard port: whoever asks a mirror now gets no answer.
  process.env["http_proxy"] = "http://127.0.0.1:9";
  const kept = debPath(at("cache"), packages[0]?.sha256 ?? "");
  renameSync(kept, at("aside"));
  await t.rejects(make("less"), { code: "DEB_UNREACHABLE", message: new RegExp(`^${packages[0]?.name} .* is not in the cache`) });
  renameSync(at("aside"), kept);
  await make("offline");
  t.equal(await treeDigest(at("offline")), await treeDigest(at("online")));
});

t.test("a lock that lacks what its packages need makes no tree", async (t) => {
  const lacking = { ...lock, packages: lock.packages.filter((p) => p.name !== "zlib1g") };
  await t.rejects(make("lacking", lacking), { code: "BAD_LOCK", message: /needs zlib1g .*, which the lock doesn't hold/ });
});
