import { utf8 } from "../../proto/wire/bytes.ts";
import type { InstalledPackage } from "../containers/installed-package.ts";
import { type Descriptor, hexOf } from "../containers/manifest.ts";
import { deriveBytes } from "../disk/derive.ts";
import { VERSION } from "../version.ts";
import { billTime, billUuid } from "./bill.ts";
import { coverageNote, declaredLicense, hashNote, type ImageBill, imagePurl, installedPurl } from "./image-bill.ts";

const IMAGE = "SPDXRef-Image";

/** A container image's bill as SPDX 2.3 JSON: the same image and name, the same bytes. Its time is the image's own. */
export function writeImageSpdx(bill: ImageBill): Uint8Array {
  const layers = bill.layers.map(layerPackage);
  const packages = bill.packages.map((p) => installedPackage(bill, p));
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: bill.name,
    documentNamespace: `https://spdx.org/spdxdocs/kubedos-image-${billUuid(bill.sha256, `spdx ${bill.name}`)}`,
    creationInfo: { created: billTime(bill.created), creators: [`Tool: kubedos-build-${VERSION}`] },
    packages: [imagePackage(bill), ...layers, ...packages],
    relationships: [
      { spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: IMAGE },
      ...[...layers, ...packages].map(({ SPDXID }) => ({ spdxElementId: IMAGE, relationshipType: "CONTAINS", relatedSpdxElement: SPDXID })),
    ],
  };
  return utf8(`${JSON.stringify(document)}\n`);
}

function imagePackage(bill: ImageBill): object {
  return {
    SPDXID: IMAGE,
    name: bill.name,
    versionInfo: `sha256:${bill.sha256}`,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    primaryPackagePurpose: "CONTAINER",
    checksums: [{ algorithm: "SHA256", checksumValue: bill.sha256 }],
    comment: `The checksum is the manifest's, which names every layer. ${coverageNote(bill)}`,
    externalRefs: [purlRef(imagePurl(bill))],
  };
}

function layerPackage({ digest, size, mediaType }: Descriptor, index: number): { readonly SPDXID: string } {
  return {
    SPDXID: `SPDXRef-Layer-${index + 1}`,
    ...{
      name: `layer ${index + 1}`,
      versionInfo: digest,
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      primaryPackagePurpose: "ARCHIVE",
      checksums: [{ algorithm: "SHA256", checksumValue: hexOf({ digest }) }],
      comment: `${size} bytes, ${mediaType}`,
    },
  };
}

function installedPackage(bill: ImageBill, p: InstalledPackage): { readonly SPDXID: string } {
  const purl = installedPurl(bill, p);
  const source = p.source === "" ? "" : `built from source ${p.source}; `;
  return {
    // Names may hold what ids may not (SPDX 2.3, 7.2): the derived part keeps two names two ids.
    SPDXID: `SPDXRef-${{ deb: "Deb", apk: "Apk" }[p.kind]}-${p.name.replace(/[^A-Za-z0-9.-]/g, "-")}-${deriveBytes(purl, "sbom id", 6)}`,
    ...{
      name: p.name,
      versionInfo: p.version,
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      ...(p.checksum === undefined ? {} : { checksums: [{ algorithm: p.checksum.algorithm, checksumValue: p.checksum.hex }] }),
      licenseDeclared: declaredLicense(p) ?? "NOASSERTION",
      comment: `${source}${hashNote(p)}`,
      externalRefs: [purlRef(purl)],
    },
  };
}

function purlRef(purl: string): object {
  return { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl };
}
