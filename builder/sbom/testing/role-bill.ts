import { utf8 } from "../../../proto/wire/bytes.ts";
import type { Bill } from "../bill.ts";
import { fileContent } from "../content.ts";

/** A role's image as a bill, for tests: one of each kind of thing that may be in it. */
export function roleBill(): Bill {
  const locked = { name: "libstdc++6", version: "1:14.2.0-19", architecture: "amd64" as const, size: 1, sha256: "d".repeat(64), origin: "debian", path: "pool/main/g/gcc-14/libstdc++6_14.2.0-19_amd64.deb", in: ["base"] };
  const content = fileContent(utf8("contents"));
  return {
    ...{ cluster: "demo", role: "worker", epoch: 1_767_225_600, rootHash: "e".repeat(64), uki: { sha256: "a".repeat(64), sha1: "b".repeat(40) } },
    origins: [{ name: "debian", mirror: "https://deb.debian.org/debian", suite: "trixie", component: "main" }],
    packages: [{ locked, source: { name: "gcc-14", version: "14.2.0-19" }, files: { present: 3, leftOut: 2 } }],
    bootPackages: [{ locked, how: "linked into the initrd's init" }],
    programs: [{ path: "/usr/lib/kubedos/kubedos-agent", packages: [{ name: "@peculiar/x509", version: "2.2.0", sha512: "f".repeat(128) }, { name: "zod", version: "4.6.7", sha512: "0".repeat(128) }] }],
    boot: [{ path: "uki.efi/.linux", content, from: "package linux-image" }],
    files: [
      { path: "/etc/hosts", content, from: "rootfs-overlay" },
      { path: "/usr/bin/awk", content: { kind: "link", target: "/etc/alternatives/awk" }, from: "update-alternatives" },
      { path: "/dev/null", content: { kind: "device" }, from: "the build" },
      { path: "/usr/lib/kubedos/kubedos-agent", content, from: "made by this build" },
    ],
  };
}
