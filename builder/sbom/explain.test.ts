import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import t from "tap";
import type { GeneratedFile } from "../roles/generated-file.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { Lock } from "../lock/lock.ts";
import { type Content, fileContent, mergedPath } from "./content.ts";
import { explainFiles } from "./explain-files.ts";
import { explainPackages } from "./explain-packages.ts";
import { readRole } from "../roles/read-role.ts";
import { generatedBy, rulesWith } from "./generated-files.ts";

const file = (text: string): Content => fileContent(utf8(text));
const link = (target: string): Content => ({ kind: "link", target });
const facts = {
  contents: new Map([["/etc/hosts", file("ours")], ["/etc/ld.so.cache", file("cache")], ["/usr/bin/awk", link("/etc/alternatives/awk")], ["/usr/bin/ip", file("ip")]]),
  packages: new Map([["iproute2", new Map([["/usr/bin/ip", file("ip")], ["/usr/share/man/man8/ip.8.gz", file("manual")]])], ["netbase", new Map([["/etc/hosts", file("theirs")]])]]),
  own: new Map([["/etc/hosts", { content: file("ours"), from: "rootfs-overlay" }]]),
};

t.test("each path has its answer: an input of ours, a package, a rule", async (t) => {
  const { unowned, packages } = explainFiles(facts);
  t.same(unowned.map((f) => `${f.path}: ${f.from}`), ["/etc/hosts: rootfs-overlay", "/etc/ld.so.cache: ldconfig", "/usr/bin/awk: update-alternatives"]);
  t.same(packages.get("iproute2"), { present: 1, leftOut: 1 }, "and what was trimmed is counted");
});

t.test("what has none fails, by name", async (t) => {
  const spoilt = (...changes: readonly [string, Content][]) => () => explainFiles({ ...facts, contents: new Map([...facts.contents, ...changes]) });
  t.throws(spoilt(["/usr/bin/nc", file("x")]), { code: "FILE_UNEXPLAINED", message: "/usr/bin/nc comes from no package and from no input of this build" });
  t.throws(spoilt(["/usr/bin/ip", file("ip, and more")]), { code: "FILE_DIFFERS", message: /^\/usr\/bin\/ip is not what package iproute2 of the lock holds$/ });
  t.throws(spoilt(["/usr/bin/ip", link("/tmp/ip")]), { code: "FILE_DIFFERS" }, "a link instead of a file");
  t.throws(spoilt(["/etc/hosts", file("theirs")]), { code: "FILE_DIFFERS", message: /rootfs-overlay/ }, "a package's file where ours was to be");
  t.throws(spoilt(["/etc/x", file("x")], ["/etc/y", file("y")]), { code: "FILE_UNEXPLAINED", message: /^\/etc\/x .*, and 1 more such files$/ });
  t.throws(() => explainFiles({ ...facts, contents: new Map([...facts.contents].filter(([path]) => path !== "/etc/hosts")) }), { code: "FILE_DIFFERS", message: /is not in the image/ });
});

t.test("rules are for exact paths, not for what is near them", async (t) => {
  t.ok(generatedBy("/var/lib/dpkg/info/libc6:amd64.list", file("")));
  for (const path of ["/var/lib/dpkg/info/a/b", "/etc/passwd-", "/etc/ld.so.preload", "/dev/sda", "/usr/lib/modules/6.12/kernel/evil.ko", "/root/.ssh"]) t.equal(generatedBy(path, file("")), undefined, path);
  t.equal(generatedBy("/usr/bin/sh", link("/etc/alternatives.d/sh")), undefined);
  t.same(["/bin/ls", "/lib64/ld.so", "/binary", "/usr/bin/x"].map(mergedPath), ["/usr/bin/ls", "/usr/lib64/ld.so", "/binary", "/usr/bin/x"]);
});

t.test("a role's folder names what its packages' scripts write, and no more", async (t) => {
  const dir = join(mkdtempSync(join(tmpdir(), "kubedos-generated-")), "demo");
  t.teardown(() => rmSync(dirname(dir), { recursive: true }));
  mkdirSync(dir);
  const read = (generated: string) => {
    writeFileSync(join(dir, "role.yaml"), `apiVersion: kubedos/v1\nkind: Role\nmetadata: { name: demo }\nabout: for a test\nminMemory: 256MiB\n${generated}`);
    return readRole(dir);
  };
  const explain = (generated: readonly GeneratedFile[], ...changes: readonly [string, Content][]) => explainFiles({ ...facts, contents: new Map([...facts.contents, ...changes]), generated: rulesWith(generated) });
  const { generated } = await read('generated:\n  - { path: /etc/demo/id, why: its first start makes one }\n  - { path: "/var/lib/demo/*.db", why: an index }\n');
  const written: readonly [string, Content][] = [["/etc/demo/id", file("7")], ["/var/lib/demo/a.db", file("a")]];
  t.same(explain(generated, ...written).unowned.map((f) => `${f.path}: ${f.from}`).slice(-2), ["/etc/demo/id: the scripts of the role's packages: its first start makes one", "/var/lib/demo/a.db: the scripts of the role's packages: an index"]);
  t.throws(() => explain([], ...written), { code: "FILE_UNEXPLAINED", message: /^\/etc\/demo\/id .* 1 more/, next: /generated in the role's role\.yaml/ }, "without the list");
  for (const path of ["/etc/demo/id2", "/etc/demo/id/x", "/x/etc/demo/id", "/etc/demo/i", "/var/lib/demo/.db", "/var/lib/demo/x/a.db", "/var/lib/demo/a.db.so", "/var/lib/demo/aXdb"]) t.throws(() => explain(generated, ...written, [path, file("x")]), { code: "FILE_UNEXPLAINED", message: `${path} comes from no package and from no input of this build` }, path);
  t.throws(() => explain([{ path: "/usr/bin/ip", why: "x" }], ["/usr/bin/ip", file("another")]), { code: "FILE_DIFFERS" }, "it allows no other contents of a package's file");
  await t.rejects(read('generated: [{ path: "/usr/**", why: x }]\n'), { code: "TOO_WIDE", message: /role\.yaml:6:21: / });
});

t.test("packages are the lock's for this role", async (t) => {
  const entry = (name: string, version: string, set: string) => ({ name, version, architecture: "amd64" as const, size: 1, sha256: "ab".repeat(32), origin: "debian", path: "p.deb", in: [set] });
  const lock = { packages: [entry("libc6", "2.41-12", "base"), entry("etcd", "3.5", "role/etcd"), entry("gcc", "14", "toolchain")] } as unknown as Lock;
  const status = (name: string, version: string, more = "") => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\n${more}Version: ${version}\nDescription: x\n y\n\n`;
  const both = status("libc6", "2.41-12", "Source: glibc (2.41)\n") + status("etcd", "3.5");
  t.same(explainPackages(both, lock, "etcd").map((p) => `${p.locked.name} of ${p.source.name} ${p.source.version}`), ["etcd of etcd 3.5", "libc6 of glibc 2.41"]);
  t.throws(() => explainPackages(both, lock, "worker"), { code: "PACKAGE_UNEXPLAINED" }, "another role's package");
  t.throws(() => explainPackages(both.replace("3.5", "3.6"), lock, "etcd"), { code: "PACKAGE_UNEXPLAINED" }, "another version");
  t.throws(() => explainPackages(both.replace("ok installed", "ok half-configured"), lock, "etcd"), { code: "PACKAGE_UNEXPLAINED" });
  t.throws(() => explainPackages(both + status("gcc", "14"), lock, "etcd"), { code: "PACKAGE_UNEXPLAINED" }, "a tool of the build");
  t.throws(() => explainPackages(status("etcd", "3.5"), lock, "etcd"), { code: "PACKAGE_ABSENT" });
});
