import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import t from "tap";
import { parseImageConfig } from "../../proto/release/image-config.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { initKeys } from "../keys/init-keys.ts";
import { readPublicKeys } from "../keys/read-public-keys.ts";
import { readRoles } from "../roles/read-roles.ts";
import { ensureCacheLock } from "../lock/cache-lock.ts";
import type { Lock } from "../lock/lock.ts";
import { treeInputs } from "../lock/locked-tree.ts";
import { defaultCacheDir } from "../toolchain/ensure-toolchain.ts";
import { imageKey } from "./assemble-image.ts";
import { planRelease, validate } from "./plan-release.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-plan-"));
t.teardown(() => rmSync(dir, { recursive: true }));
await initKeys({ dir: join(dir, "keys"), cluster: "demo", passphrase: "correct horse battery", now: new Date("2026-06-01") });
const keys = await readPublicKeys(join(dir, "keys"));
const roles = await readRoles();
const example = readFileSync(new URL("../../examples/demo.yaml", import.meta.url), "utf8");
const parse = (text: string) => parseClusterSpec(text, "spec.yaml");

async function plan(text: string, more: { generation?: number; epoch?: number; lock?: Lock; roles?: typeof roles } = {}) {
  const request = { spec: parse(text), roles, keys, cacheDir: defaultCacheDir, generation: 1, epoch: 1_767_225_600, report: (line: string) => t.comment(line), ...more };
  const { tc, images, id } = await planRelease(request, validate(request));
  return { id, images: Object.fromEntries(images.map((i) => [i.role.name, imageKey(tc, i)])), configs: images.map((i) => i.config), missing: Object.fromEntries(images.map((i) => [i.role.name, i.missing])) };
}

const base = await plan(example);

t.test("what is no image input changes neither an image nor the release", async (t) => {
  const worker = "    - { name: worker-3, role: worker, index: 9, vm: { memory: 1GiB, cpus: 4 } }\n\nnetwork:";
  const address = "    worker-2: 10.100.10.222\n    worker-3: 10.100.10.221";
  const storage = "\nstorage: { zfs: { pools: [{ role: master, name: tank, layout: single, volumes: [a] }] } }\nworkloads: { images: [registry.k8s.io/pause:3.10] }\n\ntargets:";
  const same: readonly [string, string][] = [
    ["one more worker", example.replace("\nnetwork:", worker).replace(/ {4}worker-2: .*/, address)],
    ["other addresses and another LAN", example.replaceAll("10.100.10.", "10.200.20.")],
    ["other names", example.replaceAll("worker-1", "w-one")],
    ["other machines", example.replaceAll("384MiB", "4GiB").replace("cpus: 1", "cpus: 8")],
    ["volumes, storage and workloads", example.replace("cpus: 1 } }", "cpus: 1, disk: 8GiB, volumes: { a: 1GiB } } }").replace("\ntargets:", storage)],
    ["two approvals", example.replace("approvals: 1", "approvals: 2")],
    ["planes in another order", example.replace(/( {4}- \{ name: wg1.*\n)( {4}- \{ name: wg2.*\n)/, "$2$1")],
  ];
  for (const [name, text] of same) {
    t.not(text, example);
    t.same(await plan(text), base, name);
  }
});

t.test("what is an input does", async (t) => {
  t.not((await plan(example.replace("port: 51822", "port: 51999"))).images["worker"], base.images["worker"], "a plane's port");
  t.not((await plan(example, { epoch: 1_767_225_601 })).images["worker"], base.images["worker"], "the epoch");
  const next = await plan(example, { generation: 2 });
  t.not(next.id, base.id, "the generation is part of the release");
  t.same(next.images, base.images, "and of no image");
  const named = await plan(example, { roles: roles.map((role) => ({ ...role, generated: [{ path: "/etc/demo/id", why: "a script" }] })) });
  t.not(named.id, base.id, "what the SBOM may name is part of the release, too");
  t.same(named.images, base.images);
});

t.test("the lock is an input of the release, and of an image what the image is made of", async (t) => {
  const lock = await ensureCacheLock(defaultCacheDir, roles, (line) => t.comment(line));
  t.same(await plan(example, { lock }), base);
  const more: Lock = { ...lock, sets: [...lock.sets, { name: "role/zoo", wanted: [] }].sort((a, b) => (a.name < b.name ? -1 : 1)) };
  const next = await plan(example, { lock: more });
  t.not(next.id, base.id, "a role more in the lock");
  t.same(next.images, base.images, "and the others' images are what they were");
  const changed = (set: string): Lock => ({ ...lock, packages: lock.packages.map((p) => (p.in.join() === set ? { ...p, sha256: "ab".repeat(32) } : p)) });
  t.not(JSON.stringify(treeInputs(changed("base"), "base")), JSON.stringify(treeInputs(lock, "base")), "other bytes of one package of the base");
  t.same(treeInputs(changed("toolchain"), "base"), treeInputs(lock, "base"), "what only the tools need is not in the base");
  const lacking: Lock = { ...lock, sets: lock.sets.filter((s) => s.name !== "role/worker") };
  await t.rejects(plan(example, { lock: lacking }), { code: "LOCK_STALE", message: "the lock doesn't know role worker" });
});

t.test("an image knows its role and no node", async (t) => {
  const [master, worker] = base.configs.map(parseImageConfig);
  t.match(master, { role: "master", hub: true });
  t.match(worker, { role: "worker", hub: false });
  for (const config of base.configs) t.notMatch(Buffer.from(config).toString(), /worker-1|10\.100\.10|failure/);
  const ports = (c: typeof master) => (c?.ports ?? []).map((p) => `${p.direction} ${p.zone} ${p.protocol} ${p.port}`).sort();
  t.same(ports(master), ["in admin tcp 7444", "in lan tcp 7443", "in lan udp 51821", "in lan udp 51822", "in lan udp 51823", "in wg1 tcp 7444"]);
  t.same(ports(worker), ["in wg2 tcp 9100", "in wg3 tcp 10250", "out lan tcp 7443", "out lan udp 51821", "out lan udp 51822", "out lan udp 51823", "out wg1 tcp 7444", "out wg3 tcp 6443"]);
  t.equal(master?.releaseKeys[0], keys.manifest.releaseKey);
});

t.test("specs that can't be built", async (t) => {
  const refused = (text: string, code: string) => t.throws(() => validate({ spec: parse(text), roles, keys }), { code }, code);
  refused(example.replace("name: demo", "name: other"), "WRONG_CLUSTER");
  refused(example.replaceAll("role: worker", "role: storrage").replace("[master, worker]", "[master, storrage]"), "UNKNOWN_ROLE");
  refused(example.replace("384MiB", "128MiB"), "TOO_LITTLE_MEMORY");
});

t.test("a role of one's own, and what one changes in it", async (t) => {
  const own = join(dir, "roles/zoo");
  const put = (file: string, text: string): void => {
    mkdirSync(dirname(join(own, file)), { recursive: true });
    writeFileSync(join(own, file), text);
  };
  const role = "apiVersion: kubedos/v1\nkind: Role\nmetadata: { name: zoo }\nabout: of a test\nminMemory: 256MiB\nmissing:\n  - { program: Lions, why: nobody has them }\n";
  put("role.yaml", role);
  put("overlay/etc/systemd/system/zoo.service", "[Service]\nExecStart=true\n");
  const text = example.replaceAll("role: worker", "role: zoo").replace("[master, worker]", "[master, zoo]");
  const lock = await ensureCacheLock(defaultCacheDir, roles, (line) => t.comment(line));
  const withZoo: Lock = { ...lock, sets: [...lock.sets, { name: "role/zoo", wanted: [] }].sort((a, b) => (a.name < b.name ? -1 : 1)) };
  const build = async () => plan(text, { lock: withZoo, roles: await readRoles(join(dir, "spec.yaml")) });
  const first = await build();
  t.equal(first.images["master"], base.images["master"], "the others' images are what they were");
  t.same(first.missing["zoo"], [{ program: "Lions", why: "nobody has them" }]);
  put("role.yaml", role.replace("nobody has them", "they sleep"));
  const reworded = await build();
  t.same([reworded.images, reworded.id === first.id], [first.images, false], "what is missing is said by the release, and in no image");
  put("role.yaml", `${role}units: [zoo.service]\n`);
  const enabled = await build();
  put("overlay/etc/zoo", "1");
  const overlaid = await build();
  t.equal(new Set([first, enabled, overlaid].map((p) => p.images["zoo"])).size, 3, "units and overlay are inputs");
  symlinkSync("/dev/null", join(own, "overlay/etc/link"));
  t.not((await build()).images["zoo"], overlaid.images["zoo"], "so is a link");
});
