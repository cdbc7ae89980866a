import { hash } from "node:crypto";
import t from "tap";
import { utf8 } from "../../proto/wire/bytes.ts";
import { encodeLock, type Lock, lockDigest, packagesOf, parseLock } from "./lock.ts";

const digest = (of: string): string => hash("sha256", of, "hex");
const entry = (name: string, sets: readonly string[], more: object = {}) => ({
  name,
  version: "1:2.0~rc1+dfsg-3+b1",
  architecture: "amd64" as const,
  size: 1234,
  sha256: digest(name),
  origin: "debian",
  path: `pool/main/x/${name}_2.0~rc1+dfsg-3+b1_amd64.deb`,
  in: [...sets],
  ...more,
});

const lock: Lock = {
  kind: "kubedos/lock",
  version: 1,
  architecture: "amd64",
  kernel: "linux-image-6.12.1-amd64",
  stub: "systemd-boot-efi",
  origins: [
    { name: "debian", mirror: "http://deb.debian.org/debian", suite: "trixie", component: "main" },
    { name: "security", mirror: "https://mirror.example:8443/debian-security", suite: "trixie-security", component: "main" },
  ],
  sets: [{ name: "base", wanted: ["linux-image-6.12.1-amd64"] }, { name: "role/worker", wanted: ["frr", "libstdc++6"] }, { name: "toolchain", wanted: ["systemd-boot-efi"] }],
  packages: [entry("frr", ["role/worker"]), entry("libstdc++6", ["base", "toolchain"]), entry("linux-image-6.12.1-amd64", ["base"]), entry("systemd-boot-efi", ["toolchain"])],
};
const bytes = encodeLock(lock);
const text = new TextDecoder().decode(bytes);

t.test("a lock comes back as it was, and has one encoding", async (t) => {
  t.same(parseLock(bytes, "lock.json"), lock);
  const shuffled = Object.fromEntries(Object.entries(lock).reverse()) as Lock;
  t.same(encodeLock(shuffled), bytes, "the order of keys in memory says nothing");
  t.equal(lockDigest(lock), hash("sha256", bytes, "hex"), "sha256sum of the file is the digest in the release's inputs");
  t.equal(text.split("\n").filter((line) => line.startsWith('  {"architecture"')).length, 4, "a line for each package");
  t.same(packagesOf(lock, "toolchain").map((p) => p.name), ["libstdc++6", "systemd-boot-efi"]);
});

t.test("what is no lock", async (t) => {
  const refused = (name: string, spoilt: string): void => {
    t.not(spoilt, text, `${name} changes something`);
    t.throws(() => parseLock(utf8(spoilt), "lock.json"), { code: "BAD_LOCK", message: /^lock\.json / }, name);
  };
  const [first = "", second = ""] = text.match(/^ {2}\{"architecture".*\}/gm) ?? [];
  refused("nothing", "");
  refused("another kind", text.replace("kubedos/lock", "kubedos/release"));
  refused("a later version", text.replace('"version": 1', '"version": 2'));
  refused("an unknown key", text.replace('"size":', '"bytes":1,"size":'));
  refused("a key twice", text.replace('"size":1234', '"size":1,"size":1234'));
  refused("another spacing", text.replace("\n ", "\n  "));
  refused("no newline at its end", text.trimEnd());
  refused("other line ends", text.replaceAll("\n", "\r\n"));
  refused("a digest in capitals", text.replace(digest("frr"), digest("frr").toUpperCase()));
  refused("a short digest", text.replace(digest("frr"), digest("frr").slice(2)));
  refused("no size", text.replace('"size":1234', '"size":0'));
  refused("a size with a fraction", text.replace('"size":1234', '"size":1234.5'));
  refused("a size of terabytes", text.replace('"size":1234', '"size":5000000000'));
  refused("another machine", text.replace('"architecture":"amd64"', '"architecture":"arm64"'));
  refused("packages out of order", text.replace(first, "@").replace(second, first).replace("@", second));
  refused("a package twice", text.replace(first, `${first},\n${first}`));
  refused("an origin that isn't there", text.replace('"origin":"debian"', '"origin":"other"'));
  refused("a set that isn't there", text.replace('"in":["role/worker"]', '"in":["role/storage"]'));
  refused("a package of no set", text.replace('"in":["role/worker"]', '"in":[]'));
  refused("sets of a package out of order", text.replace('"in":["base","toolchain"]', '"in":["toolchain","base"]'));
  refused("a wanted package that isn't there", text.replace(`${first},\n`, ""));
  refused("a wanted package of another set", text.replace('"in":["role/worker"]', '"in":["toolchain"]'));
  refused("a kernel that isn't in base", text.replace('"kernel": "linux-image-6.12.1-amd64"', '"kernel": "systemd-boot-efi"'));
  refused("a stub that isn't in the toolchain", text.replace('"stub": "systemd-boot-efi"', '"stub": "frr"'));
});

// What a lock says becomes paths, arguments and lines of apt's files.
t.test("words that would mean something elsewhere", async (t) => {
  const field = (key: string, value: string): string => text.replace(new RegExp(`"${key}":"[^"]*"`), `"${key}":${JSON.stringify(value)}`);
  const near: readonly (readonly [string, readonly string[]])[] = [
    ["name", ["-o", "a", "Frr", "frr=1", "frr/trixie", "frr,apt", "frr ", "../frr", "~nfoo", "?essential"]],
    ["version", ["", "-1", "1 2", "1\n2", "1/2", "$(id)", "a1"]],
    ["path", ["", "/etc/passwd", "../x.deb", "pool/../../x.deb", "pool/./x.deb", "pool//x.deb", "pool/.x.deb", "pool/x.deb?y", "pool/x.dsc", "pool/a b.deb", "pool/a%2e.deb", "pool/x.deb\n"]],
    ["mirror", ["", "file:///srv", "copy:///srv", "ftp://a", "http://", "http://a/b/", "http://u:p@a", "http://a/../b c", "http://a b", "http://a] [trusted=yes", "http://a\nb"]],
    ["suite", ["", "./", "trixie main", "../trixie", "trixie/"]],
    ["component", ["", "main contrib", "Main"]],
  ];
  for (const [key, values] of near) {
    for (const value of values) {
      t.not(field(key, value), text);
      t.throws(() => parseLock(utf8(field(key, value)), "lock.json"), { code: "BAD_LOCK" }, `${key} ${JSON.stringify(value)}`);
    }
  }
});

t.test("what a lock holds beside packages", async (t) => {
  const containers = ["quay.io/a/a:1", "quay.io/b/b:1"].map((name) => ({ name, registry: "quay.io", repository: name.slice(8, 11), mediaType: "application/vnd.oci.image.manifest.v1+json" as const, sha256: digest(name), size: 500, config: { sha256: digest("config"), size: 10 }, layers: [{ sha256: digest("layer"), size: 20 }] }));
  const files = [{ name: "tool", version: "1", url: "https://example.org/tool.tar.gz", size: 5, sha256: digest("tool") }];
  const wheels = [{ name: "six", version: "1.17.0", file: "six-1.17.0-py3-none-any.whl", url: "https://example.org/six-1.17.0-py3-none-any.whl", size: 6, sha256: digest("six") }];
  const full: Lock = { ...lock, containers, files, wheels };
  const written = new TextDecoder().decode(encodeLock(full));
  t.same(parseLock(utf8(written), "lock.json"), full);
  t.equal(written.split("\n").filter((line) => line.includes('"config"')).length, 2, "a line for each image");
  const refused = (name: string, from: string, to: string): void => {
    t.ok(written.includes(from), name);
    t.throws(() => parseLock(utf8(written.replace(from, to)), "lock.json"), { code: "BAD_LOCK" }, name);
  };
  refused("an image twice", "quay.io/b/b:1", "quay.io/a/a:1");
  refused("images out of order", "quay.io/a/a:1", "quay.io/c/c:1");
  refused("an image without a registry", "quay.io/b/b:1", "quayb:1");
  refused("an image without layers", '"layers":[{', '"layers":[],"lower":[{');
  refused("another kind of manifest", "oci.image.manifest.v1+json", "oci.image.index.v1+json");
  refused("a file that leaves its folder", "https://example.org/tool.tar.gz", "https://example.org/..");
  refused("a version that leaves its folder", '"version":"1"}', '"version":"../1"}');
  refused("a wheel that leaves its folder", '"file":"six', '"file":"../six');
  refused("a list that is empty", /\n {2}\{[^\n]*"tool"[^\n]*/.exec(written)?.[0] ?? "none", "");
});
