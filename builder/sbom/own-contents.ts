import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { utf8 } from "../../proto/wire/bytes.ts";
import type { UnitEntry } from "../rootfs/enable-units.ts";
import { type Layer, programLink, type RoleFile } from "../rootfs/assemble-role.ts";
import { type Content, type Contents, fileContent, readContent, readContents, sorted } from "./content.ts";

/** A path of the image that an input of ours brought, and which. */
export interface OwnContent {
  readonly content: Content;
  /** For people: the folder it was laid over from, or what was compiled or written. */
  readonly from: string;
}

/** What our inputs put into an image, read from the inputs themselves: later layers, files and units replace earlier ones. */
export async function ownContents(layers: readonly Layer[], files: readonly RoleFile[], units: readonly UnitEntry[]): Promise<ReadonlyMap<string, OwnContent>> {
  const own = new Map<string, OwnContent>();
  for (const layer of layers) {
    for (const [path, content] of await layerContents(layer)) own.set(path, { content, from: layer.name });
  }
  for (const file of files) {
    own.set(file.path, { content: "data" in file ? fileContent(file.data) : await readContent(file.from), from: "made by this build" });
    const link = programLink(file.path);
    if (link !== undefined) own.set(link, { content: { kind: "link", target: file.path }, from: "made by this build" });
  }
  for (const unit of units) own.set(unit.path, { content: "link" in unit ? { kind: "link", target: unit.link } : fileContent(utf8(unit.text)), from: "the units of the role" });
  return sorted(own);
}

async function layerContents({ dir, at, skip }: Layer): Promise<Contents> {
  const names = (await readdir(dir)).map((name) => `/${name}`);
  const skipped = names.filter((name) => skip.includes(name.slice(1)));
  const found = await readContents(dir);
  return new Map([...found].filter(([path]) => !skipped.some((name) => path === name || path.startsWith(`${name}/`))).map(([path, content]) => [join("/", at, path), content]));
}
