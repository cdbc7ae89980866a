import t from "tap";
import type { ImageBill } from "./image-bill.ts";
import { writeImageCycloneDx } from "./write-image-cyclonedx.ts";
import { writeImageSpdx } from "./write-image-spdx.ts";
import { imageBill } from "./testing/image-bill.ts";

interface Described {
  readonly name: string;
  readonly SPDXID?: string;
  readonly checksums?: unknown;
  readonly hashes?: unknown;
  readonly purl?: string;
  readonly externalRefs?: readonly { readonly referenceLocator: string }[];
}
const spdx = (bill: ImageBill): { readonly packages: readonly Described[]; readonly relationships: readonly object[] } => JSON.parse(new TextDecoder().decode(writeImageSpdx(bill))) as ReturnType<typeof spdx>;
const cyclonedx = (bill: ImageBill): { readonly metadata: { readonly component: Described }; readonly components: readonly Described[] } => JSON.parse(new TextDecoder().decode(writeImageCycloneDx(bill))) as ReturnType<typeof cyclonedx>;
const bill = imageBill();

t.test("SPDX says what is in an image, and which hashes there are", (t) => {
  const document = spdx(bill);
  t.match(document, { spdxVersion: "SPDX-2.3", name: bill.name, creationInfo: { created: "2024-05-06T07:08:09Z" }, documentNamespace: /^https:\/\/spdx\.org\/spdxdocs\/kubedos-image-[0-9a-f-]{36}$/ });
  const [image, first, second, apk, deb] = document.packages;
  t.match(image, { name: "registry.test:5000/team/app:1", versionInfo: `sha256:${"a".repeat(64)}`, primaryPackagePurpose: "CONTAINER", checksums: [{ algorithm: "SHA256", checksumValue: "a".repeat(64) }] });
  t.match([first, second], [{ SPDXID: "SPDXRef-Layer-1", versionInfo: `sha256:${"b".repeat(64)}`, checksums: [{ checksumValue: "b".repeat(64) }] }, { SPDXID: "SPDXRef-Layer-2" }]);
  t.match(apk, { name: "libstdc++", checksums: [{ algorithm: "SHA1", checksumValue: "01".repeat(20) }], externalRefs: [{ referenceLocator: "pkg:apk/debian/libstdc%2B%2B@13-r1?arch=x86_64&distro=debian-12" }] });
  t.match(deb, { name: "libc6", versionInfo: "1:2.36-9+deb12u1", comment: /glibc.*NOASSERTION of its hash/, externalRefs: [{ referenceLocator: "pkg:deb/debian/libc6@1:2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12" }] });
  t.notOk("checksums" in (deb ?? {}), "none is invented");
  t.equal(document.relationships.length, 1 + document.packages.length - 1);
  t.equal(new Set(document.packages.map((p) => p.SPDXID)).size, document.packages.length);
  t.match(spdx({ ...bill, packages: [], unread: ["/var/lib/rpm/Packages is a database of RPM"] }).packages[0], { comment: /No package database that is read .*; not read: \/var\/lib\/rpm\/Packages is a database of RPM\.$/ });
  t.end();
});

t.test("CycloneDX says the same", (t) => {
  const document = cyclonedx(bill);
  t.match(document, { specVersion: "1.6", serialNumber: /^urn:uuid:/, metadata: { timestamp: "2024-05-06T07:08:09.000Z", component: { type: "container", name: bill.name, hashes: [{ alg: "SHA-256", content: "a".repeat(64) }] } } });
  t.match(document.metadata.component.purl, /^pkg:oci\/app@sha256(:|%3A)a{64}\?arch=amd64&repository_url=registry\.test:5000%2Fteam%2Fapp&tag=1$/);
  const by = (name: string): Described | undefined => document.components.find((c) => c.name === name);
  t.match(by("layer 1"), { hashes: [{ content: "b".repeat(64) }] });
  t.match(by("libstdc++"), { hashes: [{ alg: "SHA-1", content: "01".repeat(20) }] });
  t.notOk("hashes" in (by("libc6") ?? {}));
  t.end();
});

t.test("the same image and name, the same bytes; another name, another document", (t) => {
  for (const write of [writeImageSpdx, writeImageCycloneDx]) {
    t.same(write(imageBill()), write(bill));
    t.notSame(write({ ...bill, name: "registry.test:5000/team/app:2" }), write(bill));
  }
  const id = (text: string): string | undefined => /spdxdocs\/[^"]+|urn:uuid:[^"]+/.exec(text)?.[0];
  t.not(id(new TextDecoder().decode(writeImageSpdx({ ...bill, name: "registry.test:5000/team/app:2" }))), id(new TextDecoder().decode(writeImageSpdx(bill))));
  t.end();
});

t.test("a licence is stated if SPDX knows all of it", (t) => {
  const [apk] = bill.packages;
  const said = (license: string): unknown => {
    const one = { ...bill, packages: apk === undefined ? [] : [{ ...apk, license }] };
    const { licenses } = (cyclonedx(one).components.find((c) => c.name === apk?.name) ?? {}) as { readonly licenses?: readonly { readonly expression?: string; readonly license?: { readonly id: string } }[] };
    const { licenseDeclared } = spdx(one).packages[3] as { readonly licenseDeclared?: string };
    t.equal(licenses?.[0]?.expression ?? licenses?.[0]?.license?.id ?? "NOASSERTION", licenseDeclared, `${license}: both forms say the same`);
    return licenseDeclared;
  };
  for (const license of ["MIT", "MIT AND Zlib", "GPL-2.0-or-later OR MIT OR ISC"]) t.equal(said(license), license);
  for (const license of ["", "GPL2+", "MIT AND custom", "MIT Zlib", "MIT AND Zlib OR ISC", "MIT AND (Zlib OR ISC)", "MIT AND ", "AND"]) t.equal(said(license), "NOASSERTION", license);
  t.end();
});

t.test("an image that names no distribution", (t) => {
  const locators = spdx({ ...bill, os: { id: "", version: "" } }).packages.slice(3).map((p) => p.externalRefs?.[0]?.referenceLocator);
  t.same(locators, ["pkg:apk/alpine/libstdc%2B%2B@13-r1?arch=x86_64", "pkg:deb/debian/libc6@1:2.36-9%2Bdeb12u1?arch=amd64"]);
  t.match(spdx({ ...bill, os: { id: "wolfi", version: "" } }).packages[3], { externalRefs: [{ referenceLocator: /^pkg:apk\/wolfi\/.*distro=wolfi$/ }] });
  t.end();
});
