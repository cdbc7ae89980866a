import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { LockedPackage } from "../lock/lock.ts";
import { VERSION } from "../version.ts";
import { type Bill, type BillProgram, billUuid, debLocation, debPurl, npmPurl } from "./bill.ts";
import type { Content } from "./content.ts";
import type { NpmPackage } from "./program-packages.ts";

const { Component, Hash, Property } = { Component: Models.Component, Hash: Models.HashDictionary, Property: Models.Property };
type Facts = Readonly<Record<string, string>>;

/** A bill as CycloneDX 1.6 JSON: the same bill, the same bytes. */
export function writeCycloneDx(bill: Bill): Uint8Array {
  const bom = new Models.Bom({ serialNumber: `urn:uuid:${billUuid(bill.uki.sha256, "cyclonedx")}` });
  bom.metadata.timestamp = new Date(bill.epoch * 1000);
  bom.metadata.tools.components.add(new Component(Enums.ComponentType.Application, "kubedos-build", { version: VERSION }));
  bom.metadata.component = new Component(Enums.ComponentType.OperatingSystem, `${bill.cluster}-${bill.role}`, {
    bomRef: "image",
    version: bill.rootHash,
    hashes: sha256Of(bill.uki.sha256),
    properties: properties({ "kubedos:role": bill.role, "kubedos:cluster": bill.cluster }),
  });
  for (const p of bill.packages) {
    bom.components.add(debComponent(bill, p.locked, "deb", { "kubedos:files": `${p.files.present}`, "kubedos:files-left-out": `${p.files.leftOut}`, "kubedos:source": `${p.source.name} ${p.source.version}` }));
  }
  for (const { locked, how } of bill.bootPackages) bom.components.add(debComponent(bill, locked, "boot", { "kubedos:from": how }));
  for (const program of bill.programs) bom.components.add(programComponent(program));
  for (const { path, content, from } of [...bill.boot, ...bill.files]) bom.components.add(fileComponent(path, content, from));
  return utf8(`${serializer.serialize(bom, { sortLists: true })}\n`);
}

const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));

function debComponent(bill: Bill, locked: LockedPackage, kind: string, facts: Facts): Models.Component {
  const component = new Component(Enums.ComponentType.Library, locked.name, {
    bomRef: `${kind}/${locked.name}`,
    version: locked.version,
    purl: debPurl({ locked, origins: bill.origins }),
    hashes: sha256Of(locked.sha256),
    properties: properties(facts),
  });
  component.externalReferences.add(new Models.ExternalReference(debLocation(bill, locked), Enums.ExternalReferenceType.Distribution));
  return component;
}

function programComponent(program: BillProgram): Models.Component {
  const name = program.path.slice(program.path.lastIndexOf("/") + 1);
  const component = new Component(Enums.ComponentType.Application, name, { bomRef: `program/${name}`, version: VERSION, properties: properties({ "kubedos:path": program.path }) });
  for (const p of program.packages) component.components.add(npmComponent(p, name));
  return component;
}

function npmComponent(p: NpmPackage, program: string): Models.Component {
  const [, group, name = p.name] = /^(@[^/]+)\/(.+)$/.exec(p.name) ?? [];
  return new Component(Enums.ComponentType.Library, name, {
    bomRef: `program/${program}/${p.name}@${p.version}`,
    ...(group === undefined ? {} : { group }),
    version: p.version,
    purl: npmPurl(p),
    hashes: new Hash([[Enums.HashAlgorithm["SHA-512"], p.sha512]]),
  });
}

function fileComponent(path: string, content: Content, from: string): Models.Component {
  const link: Facts = content.kind === "link" ? { "kubedos:link": content.target } : {};
  return new Component(Enums.ComponentType.File, path, {
    bomRef: `file/${path}`,
    hashes: content.kind === "file" ? sha256Of(content.sha256) : new Hash(),
    properties: properties({ "kubedos:from": from, "kubedos:kind": content.kind, ...link }),
  });
}

function sha256Of(hex: string): Models.HashDictionary {
  return new Hash([[Enums.HashAlgorithm["SHA-256"], hex]]);
}

function properties(facts: Facts): Models.PropertyRepository {
  return new Models.PropertyRepository(Object.entries(facts).map(([name, value]) => new Property(name, value)));
}
