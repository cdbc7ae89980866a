import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { InstalledPackage } from "../containers/installed-package.ts";
import { type Descriptor, hexOf } from "../containers/manifest.ts";
import { VERSION } from "../version.ts";
import { billUuid } from "./bill.ts";
import { coverageNote, declaredLicense, hashNote, type ImageBill, imagePurl, installedPurl } from "./image-bill.ts";

const { Component, HashDictionary, LicenseRepository, Property, PropertyRepository } = Models;
const ALGORITHMS = { SHA1: Enums.HashAlgorithm["SHA-1"], SHA256: Enums.HashAlgorithm["SHA-256"] } as const;
const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));

/** A container image's bill as CycloneDX 1.6 JSON: the same image and name, the same bytes. Its time is the image's own. */
export function writeImageCycloneDx(bill: ImageBill): Uint8Array {
  const bom = new Models.Bom({ serialNumber: `urn:uuid:${billUuid(bill.sha256, `cyclonedx ${bill.name}`)}` });
  bom.metadata.timestamp = new Date(bill.created * 1000);
  bom.metadata.tools.components.add(new Component(Enums.ComponentType.Application, "kubedos-build", { version: VERSION }));
  bom.metadata.component = new Component(Enums.ComponentType.Container, bill.name, {
    bomRef: "image",
    version: `sha256:${bill.sha256}`,
    purl: imagePurl(bill),
    hashes: hashOf("SHA256", bill.sha256),
    properties: new PropertyRepository([new Property("kubedos:packages", coverageNote(bill))]),
  });
  bill.layers.forEach((layer, index) => bom.components.add(layerComponent(layer, index)));
  for (const p of bill.packages) bom.components.add(installedComponent(bill, p));
  return utf8(`${serializer.serialize(bom, { sortLists: true })}\n`);
}

function layerComponent({ digest, size, mediaType }: Descriptor, index: number): Models.Component {
  return new Component(Enums.ComponentType.File, `layer ${index + 1}`, {
    bomRef: `layer/${index + 1}`,
    version: digest,
    hashes: hashOf("SHA256", hexOf({ digest })),
    properties: new PropertyRepository([new Property("kubedos:bytes", `${size}`), new Property("kubedos:media-type", mediaType)]),
  });
}

function installedComponent(bill: ImageBill, p: InstalledPackage): Models.Component {
  const purl = installedPurl(bill, p);
  const source = p.source === "" ? [] : [new Property("kubedos:source", p.source)];
  const license = declaredLicense(p);
  return new Component(Enums.ComponentType.Library, p.name, {
    bomRef: purl,
    ...(license === undefined ? {} : { licenses: new LicenseRepository([licenseOf(license)]) }),
    version: p.version,
    purl,
    hashes: p.checksum === undefined ? new HashDictionary() : hashOf(p.checksum.algorithm, p.checksum.hex),
    properties: new PropertyRepository([new Property("kubedos:hash", hashNote(p)), ...source]),
  });
}

function licenseOf(license: string): Models.License {
  const found = license.includes(" ") ? new Models.LicenseExpression(license) : new Models.SpdxLicense(license);
  found.acknowledgement = Enums.LicenseAcknowledgement.Declared;
  return found;
}

function hashOf(algorithm: keyof typeof ALGORITHMS, hex: string): Models.HashDictionary {
  return new HashDictionary([[ALGORITHMS[algorithm], hex]]);
}
