import { SPDX } from "@cyclonedx/cyclonedx-library";
import type { ImageContents } from "../containers/image-contents.ts";
import type { InstalledPackage } from "../containers/installed-package.ts";
import { parseReference } from "../containers/reference.ts";
import { purlPart } from "./bill.ts";

/** Everything that one container image says it holds; both forms of its SBOM are written from it. */
export interface ImageBill extends ImageContents {
  /** Full reference: "registry.k8s.io/pause:3.10". */
  readonly name: string;
  /** Of its manifest, hex: it names every byte of the image. */
  readonly sha256: string;
}

/** Package URL of an image (purl-spec, type oci). */
export function imagePurl({ name, sha256 }: ImageBill): string {
  const { registry, repository, tag } = parseReference(name);
  const short = repository.slice(repository.lastIndexOf("/") + 1);
  return `pkg:oci/${purlPart(short)}@sha256:${sha256}?arch=amd64&repository_url=${purlPart(`${registry}/${repository}`)}${tag === undefined ? "" : `&tag=${purlPart(tag)}`}`;
}

/** Package URL of a package in an image: in the name of the image's own distribution, or of the format's first where it names none. */
export function installedPurl({ os }: ImageBill, { kind, name, version, architecture }: InstalledPackage): string {
  const place = os.id === "" ? { deb: "debian", apk: "alpine" }[kind] : os.id;
  const distro = os.id === "" ? "" : `distro=${purlPart(os.version === "" ? os.id : `${os.id}-${os.version}`)}`;
  const arch = architecture === "" ? "" : `arch=${purlPart(architecture)}`;
  const qualifiers = [arch, distro].filter((text) => text !== "").join("&");
  return `pkg:${kind}/${purlPart(place)}/${purlPart(kind === "apk" ? name.toLowerCase() : name)}@${purlPart(version)}${qualifiers === "" ? "" : `?${qualifiers}`}`;
}

/** The licence that a package's database declares, if all of it is ids that SPDX has, joined by AND and OR: what isn't certain isn't stated. */
export function declaredLicense({ license }: InstalledPackage): string | undefined {
  const [ids, joints] = [license.split(/ (?:AND|OR) /), license.match(/ (AND|OR) /g) ?? []];
  // Which of two different joints binds first is SPDX's to say and was perhaps not the writer's: only one kind is taken.
  return ids.every((id) => SPDX.isSupportedSpdxId(id)) && new Set(joints).size < 2 ? license : undefined;
}

/** For people: what an installed package's hash is of. */
export function hashNote({ checksum }: InstalledPackage): string {
  return checksum === undefined
    ? "NOASSERTION of its hash: dpkg keeps none of a package; the digests of the layers cover its files"
    : "the hash is apk's own: of the package's control part, which holds the digest of its data";
}

/** For people: how far the list of packages can be trusted to be whole. */
export function coverageNote({ packages, unread }: ImageBill): string {
  const left = unread.map((what) => `; not read: ${what}`).join("");
  return `${packages.length === 0 ? "No package database that is read is in this image" : "Packages are those of the image's own databases of dpkg and apk"}; files that no package owns aren't looked for${left}.`;
}
