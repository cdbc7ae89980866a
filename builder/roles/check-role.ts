import type { z } from "zod";
import type { SpecDocument } from "../../proto/spec/document.ts";
import type { SpecError } from "../../proto/spec/error.ts";
import { whyTooWide } from "./generated-file.ts";
import type { roleSchema } from "./role.ts";

type Role = z.output<typeof roleSchema>;

/** What the shape of a role can't say: its name is its folder's, lists name nothing twice, ports are on its planes, generated files are single ones. The first fault, or undefined. */
export function checkRole(role: Role, folder: string, at: SpecDocument["fault"]): SpecError | undefined {
  const { name } = role.metadata;
  if (name !== folder) return at("BAD_VALUE", ["metadata", "name"], "value", `the role is called "${name}" and its folder "${folder}"`, "both have one name");
  return firstTwice(role, at) ?? portOffPlane(role, at) ?? tooWide(role, at);
}

/** The lists whose items are names, and what an item is called. */
const LISTS: readonly (readonly [keyof Role, (role: Role) => readonly (string | number)[], string])[] = [
  ["packages", (r) => r.packages, "package"],
  ["units", (r) => r.units, "unit"],
  ["accounts", (r) => r.accounts.map((a) => a.name), "account"],
  ["accounts", (r) => r.accounts.map((a) => a.id), "account number"],
  ["planes", (r) => r.planes, "plane"],
  ["ports", (r) => r.ports.map((p) => `${p.direction} ${p.zone} ${p.protocol} ${p.port}`), "port"],
  ["volumes", (r) => r.volumes.map((v) => v.name), "volume"],
  ["volumes", (r) => r.volumes.map((v) => v.mount), "mount"],
  ["images", (r) => r.images, "image"],
  ["files", (r) => r.files, "file"],
  ["generated", (r) => r.generated.map((g) => g.path), "generated file"],
];

function firstTwice(role: Role, at: SpecDocument["fault"]): SpecError | undefined {
  for (const [key, names, what] of LISTS) {
    const list = names(role);
    const i = list.findIndex((name, n) => list.indexOf(name) !== n);
    if (i >= 0) return at("DUPLICATE", [key, i], "value", `${what} ${JSON.stringify(list[i])} is listed twice`, "remove one of them");
  }
  return undefined;
}

function portOffPlane({ ports, planes }: Role, at: SpecDocument["fault"]): SpecError | undefined {
  const i = ports.findIndex(({ zone }) => zone !== "lan" && zone !== "admin" && !planes.includes(zone));
  if (i < 0) return undefined;
  return at("BAD_VALUE", ["ports", i, "zone"], "value", `a port on ${ports[i]?.zone}, which is none of the role's planes`, `its planes are ${planes.join(", ")}`);
}

function tooWide({ generated }: Role, at: SpecDocument["fault"]): SpecError | undefined {
  const i = generated.findIndex(({ path }) => whyTooWide(path) !== undefined);
  const path = generated[i]?.path;
  if (path === undefined) return undefined;
  return at("TOO_WIDE", ["generated", i, "path"], "value", `"${path}" would explain files that nobody meant: ${whyTooWide(path)}`, 'name the files, like "/etc/demo/id" or "/var/lib/demo/*.db"');
}
