import { writeFileSync } from "node:fs";
import t from "tap";
import { encodeLock, type Lock, parseLock } from "./lock.ts";
import { makeSigningKey } from "./signing-key.ts";
import { resolveLock, type ResolveRequest } from "./resolve-lock.ts";
import { SmallArchive, type SmallPackage } from "./testing/small-archive.ts";

// Each look at an archive starts apt a few times; a mirror that refuses is asked again after a pause.
t.setTimeout(120_000);
const archive = await new SmallArchive().start();
t.teardown(() => archive.remove());

const main: readonly SmallPackage[] = [
  { name: "apt" },
  { name: "essential-one", control: ["Essential: yes", "Depends: its-library (>= 1)"] },
  { name: "required-one", control: ["Priority: required"] },
  { name: "its-library" },
  { name: "linux-image-meta", control: ["Depends: linux-image-6.12.1-amd64"] },
  { name: "linux-image-6.12.1-amd64", control: ["Recommends: nobody-asked"] },
  { name: "nobody-asked" },
  { name: "tool", control: ["Depends: nowhere | its-library"] },
  { name: "stub" },
  { name: "for-one-role", control: ["Depends: its-library, brought-along"] },
  { name: "brought-along" },
  { name: "wants-nowhere", control: ["Depends: nowhere"] },
  { name: "hates-the-base", control: ["Conflicts: its-library (<< 9:0)", "Depends: its-library"] },
  { name: "replaces-the-base", control: ["Conflicts: linux-image-meta"] },
];
await archive.publish("stable", main);
await archive.publish("stable-security", [{ name: "its-library", version: "2:1.0-1+deb13u1" }]);
const origins = [archive.origin("main", "stable"), archive.origin("security", "stable-security")];
const request: ResolveRequest = {
  origins,
  keyring: archive.keyring,
  base: ["linux-image-meta"],
  toolchain: ["tool", "stub"],
  roles: [{ name: "plain", packages: [] }, { name: "routed", packages: ["for-one-role"] }],
  stub: "stub",
  kernel: /^linux-image-[0-9]/,
  report: () => undefined,
};
const resolve = (more: Partial<ResolveRequest> = {}): Promise<Lock> => resolveLock({ ...request, ...more });

t.test("every package of every list, and what these need", async (t) => {
  const lock = await resolve();
  const sets = Object.fromEntries(lock.packages.map((p) => [p.name, p.in.join(" ")]));
  t.same(sets, {
    apt: "base toolchain",
    "brought-along": "role/routed",
    "essential-one": "base toolchain",
    "for-one-role": "role/routed",
    "its-library": "base toolchain",
    "linux-image-6.12.1-amd64": "base",
    "linux-image-meta": "base",
    "required-one": "base toolchain",
    stub: "toolchain",
    tool: "toolchain",
  });
  t.match(lock, { kernel: "linux-image-6.12.1-amd64", stub: "stub" });
  t.match(lock.packages.find((p) => p.name === "its-library"), { version: "2:1.0-1+deb13u1", origin: "security", path: "pool/main/its-library_1.0-1+deb13u1_all.deb" });
  t.match(lock.sets, [{ name: "base" }, { name: "role/plain", wanted: [] }, { name: "role/routed", wanted: ["for-one-role"] }, { name: "toolchain" }]);
  t.same(parseLock(encodeLock(lock), "lock"), lock);
  t.same(await resolve(), lock, "the same archive, the same lock");
});

t.test("what is missing is named with who wants it", async (t) => {
  const missing = (more: Partial<ResolveRequest>, message: RegExp, code = "NO_SUCH_PACKAGE") => t.rejects(resolve(more), { code, message });
  await missing({ roles: [{ name: "routed", packages: ["for-one-role", "no-such"] }] }, /^role routed wants package no-such,/);
  await missing({ base: ["linux-image-meta", "nowhere"] }, /^the base tree wants package nowhere,/);
  await missing({ toolchain: ["stub", "tool-"] }, /^the toolchain wants package tool-,/);
  await missing({ roles: [{ name: "routed", packages: ["wants-nowhere"] }] }, /role routed.*nowhere/, "UNRESOLVABLE");
  await missing({ roles: [{ name: "routed", packages: ["hates-the-base"] }] }, /role routed/, "UNRESOLVABLE");
  await missing({ roles: [{ name: "routed", packages: ["replaces-the-base"] }] }, /role routed/, "UNRESOLVABLE");
  await missing({ base: ["tool"] }, /must hold one kernel, and there are 0/, "UNRESOLVABLE");
});

t.test("an archive that did not sign it", async (t) => {
  await resolve();
  const foreign = `${archive.dir}/foreign.gpg`;
  writeFileSync(foreign, (await makeSigningKey("archive of a test", 1_735_689_600)).certificate);
  await t.rejects(resolve({ keyring: foreign }), { code: "ARCHIVE_UNVERIFIED" }, "another key");
  const index = "dists/stable/main/binary-amd64/Packages";
  archive.instead.set(index, Buffer.from("Package: apt\nVersion: 6\n"));
  await t.rejects(resolve(), { code: /^ARCHIVE_/ }, "an index that isn't the signed one");
  archive.instead.delete(index);
  archive.instead.set("dists/stable-security/InRelease", 404);
  await t.rejects(resolve(), { code: /^ARCHIVE_/ }, "no signature at all");
  archive.instead.clear();
  await resolve();
  await t.rejects(resolve({ origins: [...origins, { ...origins[0]!, name: "more", component: "contrib" }] }), { code: /^ARCHIVE_/ }, "a component it doesn't have");
});

t.test("a third party's packages come from where the role says, and nothing else does", async (t) => {
  const party = await new SmallArchive().start();
  t.teardown(() => party.remove());
  const theirs: readonly SmallPackage[] = [
    { name: "program", version: "9.0", control: ["Depends: program-parts, brought-along"] },
    { name: "program-parts", version: "9.0" },
    { name: "homonym", version: "0.1" },
    { name: "brought-along", version: "7.0" },
    { name: "its-library", version: "9:9.0" },
    { name: "essential-too", control: ["Essential: yes"] },
    { name: "new-library", version: "2.0", control: ["Depends: brought-along (>= 7)"] },
  ];
  await party.publish("stable", theirs);
  await party.publishFlat(theirs);
  await archive.publish("stable", [...main, { name: "homonym", version: "5.0" }]);
  const keys = await party.keys();
  const part = (origin: object, packages: readonly string[], more: object = {}) => ({ program: "It", why: "nobody else has it", origin: { ...party.origin("party", "stable"), ...origin }, packages: [...packages], units: [], accounts: [], keys, ...more });
  const flat = { suite: "/", component: "" };
  for (const origin of [{}, flat]) {
    const lock = await resolve({ roles: [{ name: "plain", packages: ["homonym"] }, { name: "third", packages: [], thirdParty: [part(origin, ["program"])] }] });
    t.match(parseLock(encodeLock(lock), "lock"), lock, "it is a lock");
    const from = Object.fromEntries(lock.packages.map((p) => [p.name, `${p.version} of ${p.origin} in ${p.in.join(" ")}`]));
    t.match(from, { program: "9.0 of party in role/third", "program-parts": "9.0 of party in role/third", "brought-along": "1.0-1 of main in role/third", homonym: "5.0 of main in role/plain" });
    t.equal(from["its-library"], "2:1.0-1+deb13u1 of security in base toolchain", "a higher version of the base's library wins nowhere");
    t.equal(from["essential-too"], undefined, "what a third party calls essential is not");
    t.match(lock.origins.find((o) => o.name === "party"), { keys: keys.fingerprints });
    t.match(lock.sets.find((s) => s.name === "role/third"), { wanted: ["program"] });
  }
  const homonym = await resolve({ roles: [{ name: "third", packages: [], thirdParty: [part(flat, ["homonym"])] }] });
  t.match(homonym.packages.find((p) => p.name === "homonym"), { version: "0.1", origin: "party" }, "the program that is meant, not the distribution's of that name");
  const { keys: _, ...unvouched } = part({}, ["program"]);
  t.match((await resolve({ roles: [{ name: "third", packages: [], thirdParty: [unvouched] }] })).sets.find((s) => s.name === "role/third"), { wanted: [] }, "without its key the origin isn't even asked");
  const refused = (roles: ResolveRequest["roles"], code: string, message?: RegExp) => t.rejects(resolve({ roles }), message === undefined ? { code } : { code, message });
  await refused([{ name: "third", packages: [], thirdParty: [part({}, ["no-such"])] }], "NO_SUCH_PACKAGE", /which origin party .* doesn't have/);
  await refused([{ name: "third", packages: [], thirdParty: [part({}, ["new-library"])] }], "UNRESOLVABLE");
  await refused([{ name: "plain", packages: ["homonym"] }, { name: "third", packages: [], thirdParty: [part({}, ["homonym"])] }], "UNRESOLVABLE", /homonym would be/);
  const foreign = (await makeSigningKey("archive of a test", 1_735_689_600)).certificate;
  await refused([{ name: "third", packages: [], thirdParty: [part({}, ["program"], { keys: { ...keys, keyring: foreign } })] }], "ARCHIVE_UNVERIFIED");
  await refused([{ name: "a", packages: [], thirdParty: [part({}, ["program"])] }, { name: "b", packages: [], thirdParty: [part(flat, ["program"])] }], "UNRESOLVABLE", /two different origins "party"/);
  await archive.publish("stable", main);
});

t.test("an archive that isn't there", async (t) => {
  await archive.stop();
  await t.rejects(resolve(), { code: "ARCHIVE_UNREACHABLE" });
});
