import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "openpgp";
import t from "tap";
import { makeSigningKey } from "../lock/signing-key.ts";
import { projectDir } from "../release/source-digest.ts";
import { readRole } from "./read-role.ts";
import { findRole, readRoles } from "./read-roles.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-roles-"));
t.teardown(() => rmSync(dir, { recursive: true }));
const good = readFileSync(join(projectDir, "roles/grafana/role.yaml"), "utf8");

function put(text: string, folder = "roles/grafana"): string {
  mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, folder, "role.yaml"), text);
  return join(dir, folder);
}

t.test("the roles that kubedos brings", async (t) => {
  const roles = await readRoles();
  t.same(roles.map((r) => r.name), ["cp", "etcd", "grafana", "lb", "master", "prometheus", "qa-worker", "storage", "worker"]);
  t.same(roles.filter((r) => r.hub).map((r) => r.name), ["master"]);
  const numbers = new Map<string, number>();
  for (const { name, id } of roles.flatMap((r) => [...r.accounts, ...r.thirdParty.flatMap((p) => p.accounts)])) {
    t.equal(numbers.get(name) ?? id, id, `${name} has one number in all roles`);
    numbers.set(name, id);
  }
  t.equal(new Set(numbers.values()).size, numbers.size, "and no number has two names");
  t.match(findRole(roles, "grafana"), { minMemory: 256, thirdParty: [{ program: "Grafana", origin: { name: "grafana", component: "main" }, packages: ["grafana"] }] });
  t.throws(() => findRole(roles, "grafanna"), { code: "UNKNOWN_ROLE", message: /known are cp, etcd, grafana/ });
});

const cases: readonly [string, string | RegExp, string, string, RegExp][] = [
  ["a misspelt key", "packages:", "pakages:", "UNKNOWN_KEY", /role\.yaml:5:1: unknown key "pakages" \(did you mean "packages"\?\)/],
  ["a misspelt key inside", "program: Grafana", "progam: Grafana", "UNKNOWN_KEY", /"progam" in thirdParty\.0 \(did you mean "program"\?\)/],
  ["no name", "metadata: { name: grafana }\n", "", "MISSING_KEY", /metadata is missing \(every role needs it\)/],
  ["another name than its folder", "name: grafana }\nabout", "name: grafanna }\nabout", "BAD_VALUE", /role\.yaml:3:19: .*its folder "grafana"/],
  ["another kind", "kind: Role", "kind: ClusterSpec", "BAD_VALUE", /kind/],
  ["memory without a unit", "256MiB", "256", "BAD_VALUE", /minMemory/],
  ["a package that is an option", "[grafana]", "[-grafana]", "BAD_VALUE", /packages\.0/],
  ["a package twice", "packages: [prometheus-node-exporter]", "packages: [a1, a1]", "DUPLICATE", /package "a1" is listed twice/],
  ["a unit that is a path", "[grafana-server.service]", "[../x.service]", "BAD_VALUE", /systemd unit/],
  ["a unit with an instance", "[grafana-server.service]", "[getty@tty1.service]", "BAD_VALUE", /systemd unit/],
  ["an account with a number of ours", "id: 820", "id: 810", "BAD_VALUE", /accounts\.0\.id/],
  ["a port on a plane that it isn't on", "zone: wg2, protocol: tcp, port: 3000", "zone: wg3, protocol: tcp, port: 3000", "BAD_VALUE", /role\.yaml:15:28: a port on wg3.*its planes are wg1, wg2/],
  ["a plane that isn't", "[wg1, wg2]", "[wg0, wg2]", "BAD_VALUE", /planes\.0/],
  ["a port twice", "port: 3000, what: Grafana", "port: 9100, what: Grafana", "DUPLICATE", /port "in wg2 tcp 9100" is listed twice/],
  ["an origin that isn't signed", "component: main }", "component: main, trusted: true }", "UNKNOWN_KEY", /"trusted" in thirdParty\.0\.origin/],
  ["an origin's address with an option", "https://apt.grafana.com", "https://apt.grafana.com [trusted=yes]", "BAD_VALUE", /mirror/],
  ["a volume over the system", "thirdParty:", "volumes: [{ name: x, mount: /usr/lib, size: 1GiB }]\nthirdParty:", "BAD_VALUE", /volumes\.0\.mount/],
  ["a volume out of its place", "thirdParty:", "volumes: [{ name: x, mount: /var/../usr, size: 1GiB }]\nthirdParty:", "BAD_VALUE", /volumes\.0\.mount/],
  ["a generated file that says not why", "thirdParty:", "generated: [{ path: /etc/demo/id }]\nthirdParty:", "MISSING_KEY", /generated\.0\.why/],
  ["a generated file that isn't in the image", "thirdParty:", "generated: [{ path: etc/demo/id, why: x }]\nthirdParty:", "BAD_VALUE", /generated\.0\.path.*absolute path/],
  ["a generated file that climbs", "thirdParty:", "generated: [{ path: /etc/demo/../id, why: x }]\nthirdParty:", "BAD_VALUE", /generated\.0\.path/],
  ["a generated file as an expression", "thirdParty:", 'generated: [{ path: "/etc/demo/(a|b)", why: x }]\nthirdParty:', "BAD_VALUE", /generated\.0\.path/],
  ["a generated file twice", "thirdParty:", "generated: [{ path: /etc/a, why: x }, { path: /etc/a, why: y }]\nthirdParty:", "DUPLICATE", /generated file "\/etc\/a" is listed twice/],
  ["a generated file that is the whole image", "thirdParty:", "generated:\n  - { path: /, why: x }\nthirdParty:", "TOO_WIDE", /role\.yaml:\d+:13: "\/" would explain files that nobody meant: it is the whole image \(name the files, like/],
];
for (const [name, from, to, code, message] of cases) {
  t.test(name, async (t) => {
    t.equal((await readRole(put(good))).name, "grafana");
    const spoilt = good.replace(from, to);
    t.not(spoilt, good);
    await t.rejects(readRole(put(spoilt)), { code, message });
  });
}

t.test("generated files are single ones, or a few in a folder of their own", async (t) => {
  const read = (path: string) => readRole(put(good.replace("thirdParty:", `generated: [{ path: "${path}", why: a script writes it }]\nthirdParty:`)));
  for (const path of ["/etc/demo/id", "/usr/bin/demo", "/var/lib/demo/*.db", "/var/cache/demo-*/index.*", "/etc/demo.d/10-*"]) t.same((await read(path)).generated, [{ path, why: "a script writes it" }], path);
  const wide = ["/*", "/**", "/usr/**", "/usr/*", "/etc/demo*", "/var/lib/*", "/var/lib/demo/*", "/var/lib/demo/a*", "/var/lib/demo/**.db", "/var/lib/demo/*a*b", "/srv/a/b-*/c-*/d-*", "/usr/bin/demo-*", "/usr/lib/demo/demo-*.so", "/lib/systemd/system/*.service", "/etc/systemd/system/demo-*.service", "/etc/cron.daily/demo-*", "/usr/local/bin/demo-*"];
  for (const path of wide) await t.rejects(read(path), { code: "TOO_WIDE", path: "generated.0.path", hint: /name the files/ }, path);
});

t.test("a role of one's own stands beside the spec, and takes no name of ours", async (t) => {
  const beside = mkdtempSync(join(dir, "own-"));
  const spec = join(beside, "spec.yaml");
  t.equal((await readRoles(spec)).length, 9);
  mkdirSync(join(beside, "roles/zoo/overlay"), { recursive: true });
  writeFileSync(join(beside, "roles/zoo/role.yaml"), good.replace("name: grafana }\nabout", "name: zoo }\nabout"));
  t.match(findRole(await readRoles(spec), "zoo"), { dir: join(beside, "roles/zoo"), overlay: join(beside, "roles/zoo/overlay") });
  mkdirSync(join(beside, "roles/grafana"));
  writeFileSync(join(beside, "roles/grafana/role.yaml"), good);
  await t.rejects(readRoles(spec), { code: "ROLE_EXISTS", message: /roles\/grafana has the name of a role that kubedos brings/ });
  t.equal((await readRoles(join(projectDir, "spec.yaml"))).length, 9, "a spec in the checkout finds ours and nothing twice");
});

t.test("an origin's key counts where somebody put it, and must be one", async (t) => {
  const beside = mkdtempSync(join(dir, "keys-"));
  const keys = async () => findRole(await readRoles(join(beside, "spec.yaml")), "grafana").thirdParty[0]?.keys;
  t.equal(await keys(), undefined);
  mkdirSync(join(beside, "apt-keys"));
  const file = join(beside, "apt-keys/grafana.gpg");
  const { certificate } = await makeSigningKey("somebody", 1_735_689_600);
  writeFileSync(file, certificate);
  t.match(await keys(), { fingerprints: [/^[0-9a-f]{40}$/], keyring: certificate });
  writeFileSync(file, "no key");
  await t.rejects(keys(), { code: "BAD_ORIGIN_KEY" });
  writeFileSync(file, certificate.subarray(0, 20));
  await t.rejects(keys(), { code: "BAD_ORIGIN_KEY" }, "half of one");
  const { privateKey } = await generateKey({ type: "ecc", curve: "ed25519Legacy", userIDs: [{ name: "x" }], format: "binary" });
  writeFileSync(file, privateKey);
  await t.rejects(keys(), { code: "BAD_ORIGIN_KEY", message: /private/ });
});
