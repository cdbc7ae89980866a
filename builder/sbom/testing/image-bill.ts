import type { ImageBill } from "../image-bill.ts";

/** A container image's bill, for tests: two layers, a package of apk and one of dpkg. */
export function imageBill(): ImageBill {
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  return {
    ...{ name: "registry.test:5000/team/app:1", sha256: "a".repeat(64), created: 1_714_979_289 },
    layers: [{ mediaType, digest: `sha256:${"b".repeat(64)}`, size: 5 }, { mediaType, digest: `sha256:${"c".repeat(64)}`, size: 6 }],
    packages: [
      { kind: "apk", name: "libstdc++", version: "13-r1", architecture: "x86_64", source: "gcc", license: "GPL-2.0-or-later AND LGPL-2.1-or-later", checksum: { algorithm: "SHA1", hex: "01".repeat(20) } },
      { kind: "deb", name: "libc6", version: "1:2.36-9+deb12u1", architecture: "amd64", source: "glibc 2.36-9+deb12u1", license: "", checksum: undefined },
    ],
    ...{ os: { id: "debian", version: "12" }, unread: [] },
  };
}
