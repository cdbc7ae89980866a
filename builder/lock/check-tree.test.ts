import t from "tap";
import { checkTree } from "./check-tree.ts";
import type { LockedPackage } from "./lock.ts";

const locked = (name: string, version: string): LockedPackage => ({ name, version, architecture: "amd64", size: 1, sha256: "00".repeat(32), origin: "debian", path: `pool/${name}.deb`, in: ["base"] });
const packages = [locked("libc6", "2.41-12"), locked("zlib1g", "1:1.3-1")];
const stanza = (name: string, version: string, status = "install ok installed", architecture = "amd64"): string =>
  `Package: ${name}\nStatus: ${status}\nPriority: optional\nArchitecture: ${architecture}\nMulti-Arch: same\nVersion: ${version}\nDescription: a\n Package: not this\n .\n more\n`;
const good = [stanza("libc6", "2.41-12"), stanza("zlib1g", "1:1.3-1")];

t.test("a tree holds exactly the locked packages", async (t) => {
  const check = (...stanzas: readonly string[]) => checkTree(stanzas.join("\n"), "base", packages);
  check(...good);
  const refused = (message: RegExp, ...stanzas: readonly string[]) => t.throws(() => check(...stanzas), { code: "TREE_DIFFERS", message }, String(message));
  refused(/the base tree came out without zlib1g 1:1\.3-1/, good[0] ?? "");
  refused(/came out with bash 5/, ...good, stanza("bash", "5"));
  refused(/came out with zlib1g 1:1\.2-1/, good[0] ?? "", stanza("zlib1g", "1:1.2-1"));
  refused(/came out with zlib1g 1:1\.3-1 amd64: install ok half-configured/, good[0] ?? "", stanza("zlib1g", "1:1.3-1", "install ok half-configured"));
  refused(/came out with zlib1g 1:1\.3-1 i386/, good[0] ?? "", stanza("zlib1g", "1:1.3-1", "install ok installed", "i386"));
  refused(/came out with zlib1g/, ...good, good[1] ?? "");
  refused(/without libc6/, "");
});
