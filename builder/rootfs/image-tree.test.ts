import { existsSync } from "node:fs";
import { lstat, mkdtemp, readFile, readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runHost } from "../toolchain/run-host.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { assembleRole, rootfsOverlayDir, systemdDir } from "./assemble-role.ts";
import { ensureBase } from "./ensure-base.ts";
import { makeErofs } from "./make-erofs.ts";
import { makeVerity } from "./make-verity.ts";

const say = (line: string): void => void t.comment(line);
const tc = await ensureToolchain(defaultCacheDir, say);
const base = await ensureBase(defaultCacheDir, tc, say);
const work = await mkdtemp(join(defaultCacheDir, ".image-tree-test-"));
t.teardown(() => rm(work, { recursive: true, force: true }));

const program = Buffer.from("#!/bin/sh\n");
const make = (name: string): Promise<void> =>
  assembleRole({
    role: "worker",
    from: base,
    files: [
      { path: "/usr/lib/kubedos/kubedos-agent", data: program },
      { path: "/usr/lib/kubedos/kubedos-hub", data: program },
      { path: "/etc/kubedos/image.json", data: Buffer.from("{}") },
    ],
    out: join(work, name),
  });
await make("tree");
const tree = join(work, "tree");
const masked = async (path: string): Promise<boolean> => (await readlink(join(tree, path)).catch(() => "")) === "/dev/null";

// A generator, rule or shell that a later Debian adds must be looked at, not let in.
t.test("every generator of the base is masked", async (t) => {
  for (const name of await readdir(join(tree, "usr/lib/systemd/system-generators"))) {
    t.ok(await masked(`etc/systemd/system-generators/${name}`), name);
  }
});

t.test("no unit leads to a shell or a login", async (t) => {
  const units = await readdir(join(tree, "usr/lib/systemd/system"));
  const shells = units.filter((name) => /^(emergency|rescue|debug-shell|ctrl-alt-del|.*getty.*|autovt@)\.?(service|target)?$/.test(name) && !/\.target\.wants|getty-pre/.test(name));
  t.ok(shells.length > 8);
  for (const name of shells) t.ok(await masked(`etc/systemd/system/${name}`), name);
});

t.test("only the rules that we chose run in udev", async (t) => {
  const kept = ["50-udev-default", "60-qemu-guest-agent", "75-net-description", "80-drivers", "80-net-setup-link", "99-systemd"];
  for (const name of await readdir(join(tree, "usr/lib/udev/rules.d"))) {
    t.equal(await masked(`etc/udev/rules.d/${name}`), !kept.includes(name.replace(".rules", "")), name);
  }
});

t.test("nothing extends PCR 11 but our init and agent", async (t) => {
  for (const name of await readdir(join(tree, "usr/lib/systemd/system"))) {
    if (/^systemd-(pcrphase.*|pcrmachine|pcrfs-root|tpm2-setup.*)\.service$/.test(name)) t.ok(await masked(`etc/systemd/system/${name}`), name);
  }
});

t.test("nobody can log in", async (t) => {
  for (const line of (await readFile(join(tree, "etc/shadow"), "utf8")).trim().split("\n")) t.match(line, /^[^:]+:!\*:::::::$/);
  t.notOk(existsSync(join(tree, "usr/sbin/sshd")));
  t.match(await readFile(join(tree, "etc/passwd"), "utf8"), /^kubedos-qga:x:811:811::\/nonexistent:\/usr\/sbin\/nologin$/m);
});

t.test("nothing of one build or one machine is left", async (t) => {
  for (const path of ["etc/ssh", "etc/fstab", "var/lib/dbus", "var/lib/apt", "etc/passwd-", "etc/.pwd.lock"]) t.notOk(existsSync(join(tree, path)), path);
  for (const dir of ["boot", "run", "tmp", "var/log", "var/cache"]) t.same(await readdir(join(tree, dir)), [], dir);
  t.equal(await readFile(join(tree, "etc/machine-id"), "utf8"), "");
});

t.test("no program gives more rights than its caller has", async (t) => {
  for (const dir of ["usr/bin", "usr/sbin"]) {
    for (const name of await readdir(join(tree, dir))) {
      const found = await lstat(join(tree, dir, name));
      t.ok(found.isSymbolicLink() || (found.mode & 0o6000) === 0, name);
    }
  }
});

t.test("systemd accepts our units", async (t) => {
  const units = (await readdir(systemdDir)).filter((name) => name.endsWith(".service"));
  const { stderr } = await runTool(tc, ["systemd-analyze", "verify", `--root=${tree}`, "--man=no", "--generators=no", ...units, "qemu-guest-agent.service"], { readBinds: [tree] });
  t.equal(stderr, "");
});

t.test("every link of the overlay leads somewhere", async (t) => {
  for (const dir of ["sysinit.target.wants", "multi-user.target.wants"]) {
    for (const name of await readdir(join(rootfsOverlayDir, "etc/systemd/system", dir))) {
      t.ok(existsSync(join(tree, await readlink(join(tree, "etc/systemd/system", dir, name)))), name);
    }
  }
});

t.test("nft accepts the base rules", async () => {
  await runTool(tc, ["nft", "--check", "--file", join(tree, "etc/kubedos/base.nft")], { readBinds: [tree] });
});

t.test("the same inputs give the same image", async (t) => {
  await make("again");
  // Of files of its own, where the other two are links to the base tree's.
  await runHost(["cp", "--archive", tree, join(work, "copied")]);
  const uuid = "11111111-2222-4333-8444-555555555555";
  const facts = [];
  for (const name of ["tree", "again", "copied"]) {
    const image = join(work, `${name}.erofs`);
    await makeErofs(tc, join(work, name), image, { uuid, epoch: 1_700_000_000 });
    facts.push(await makeVerity(tc, image, join(work, `${name}.hash`), { uuid, salt: "ab".repeat(32) }));
    await rm(image);
  }
  t.same(facts[0], facts[1]);
  t.same(facts[0], facts[2], "how many links a file has says nothing");
});
