import { readFile } from "node:fs/promises";
import { ToolError } from "../toolchain/error.ts";
import type { AptRoot, AptView } from "./apt-root.ts";
import { LockError } from "./error.ts";
import type { Origin } from "./lock.ts";
import { readStanzas, type Stanza } from "./stanzas.ts";

/** What an archive says of one .deb. */
export interface ArchiveEntry {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly size: number;
  readonly sha256: string;
  readonly origin: string;
  readonly path: string;
}

/** Packages by name; those of the first origin come first. */
export type ArchiveEntries = ReadonlyMap<string, readonly ArchiveEntry[]>;

/** Archives whose signatures held. */
export interface Archive {
  /** Of the distribution. */
  readonly entries: ArchiveEntries;
  /** Names that every tree holds: essential or of priority required in the distribution, and apt. The same that mmdebstrap's minbase takes. */
  readonly required: readonly string[];
  /** Of each third party, by the origin's name. */
  readonly thirdParty: ReadonlyMap<string, ArchiveEntries>;
}

const FIELDS = ["Package", "Version", "Architecture", "Essential", "Priority", "Filename", "Size", "SHA256"];

/** Fetches the signed indexes of all origins and reads them. Throws LockError `ARCHIVE_UNREACHABLE` or `ARCHIVE_UNVERIFIED`, ToolError. */
export async function readArchive(apt: AptRoot, origins: readonly Origin[], thirdParty: readonly Origin[] = []): Promise<Archive> {
  const all = { thirdParty: thirdParty.map((o) => o.name), preferences: "" };
  await update(apt, [...origins, ...thirdParty], all);
  const files = await indexFiles(apt, all);
  const required = new Set(["apt"]);
  const entries = new Map<string, ArchiveEntry[]>();
  for (const origin of origins) {
    for (const stanza of await readIndex(files, origin)) {
      if (stanza.get("Essential") === "yes" || stanza.get("Priority") === "required") required.add(stanza.get("Package") ?? "");
      add(entries, toEntry(stanza, origin));
    }
  }
  const others = new Map<string, ArchiveEntries>();
  for (const origin of thirdParty) {
    const own = new Map<string, ArchiveEntry[]>();
    for (const stanza of await readIndex(files, origin)) if (/^(amd64|all)$/.test(stanza.get("Architecture") ?? "")) add(own, toEntry(stanza, origin));
    others.set(origin.name, own);
  }
  return { entries, required: [...required].sort(), thirdParty: others };
}

/** The files of all package indexes, by "MIRROR SUITE COMPONENT". */
async function indexFiles(apt: AptRoot, view: AptView): Promise<ReadonlyMap<string, string>> {
  const format = "$(CREATED_BY)\t$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(FILENAME)";
  const lines = (await apt.run(["apt-get", "indextargets", "--format", format], view)).stdout.split("\n").map((line) => line.split("\t"));
  return new Map(lines.filter(([kind]) => kind === "Packages").map(([, uri = "", suite = "", component = "", file = ""]) => [key(uri, suite, component), file]));
}

/** apt leaves what it has no value for as it was asked for, and names a repository without suites by its address alone. */
function key(uri: string, suite: string, component: string): string {
  const known = (value: string): string => (value.startsWith("$(") ? "" : value);
  return [uri.replace(/\/+$/, ""), known(suite).replace(/^\/$/, ""), known(component)].join(" ");
}

async function readIndex(files: ReadonlyMap<string, string>, { mirror, suite, component }: Origin): Promise<readonly Stanza[]> {
  const file = files.get(key(mirror, suite, component));
  if (file === undefined) throw new LockError("ARCHIVE_UNREACHABLE", `${mirror} has no packages in component ${component} of ${suite}`);
  return [...readStanzas(await readFile(file, "utf8"), FIELDS)];
}

function toEntry(stanza: Stanza, origin: Origin): ArchiveEntry {
  const field = (name: string): string => stanza.get(name) ?? "";
  const path = field("Filename").replace(/^\.\//, "");
  return { name: field("Package"), version: field("Version"), architecture: field("Architecture"), size: Number(field("Size")), sha256: field("SHA256"), origin: origin.name, path };
}

function add(entries: Map<string, ArchiveEntry[]>, entry: ArchiveEntry): void {
  const known = entries.get(entry.name);
  if (known === undefined) entries.set(entry.name, [entry]);
  else known.push(entry);
}

/** apt checks each InRelease against its keyring and each index against its InRelease. */
async function update(apt: AptRoot, origins: readonly Origin[], view: AptView): Promise<void> {
  try {
    await apt.run(["apt-get", "update", "--quiet", "--quiet"], view);
  } catch (cause) {
    if (!(cause instanceof ToolError) || cause.code !== "FAILED") throw cause;
    const said = cause.message.split("\n").filter((line) => /^[EW]: /.test(line)).map((line) => line.slice(3)).join("; ");
    const mirrors = [...new Set(origins.map((o) => o.mirror))].join(", ");
    if (/GPG error|not signed|NO_PUBKEY|signatures? |sqv|expired|not valid yet/i.test(said)) {
      throw new LockError("ARCHIVE_UNVERIFIED", `what ${mirrors} sent is not signed by the keys that count: ${said}`, "see that the host's clock is right, that debian-archive-keyring is current, and which keys are in apt-keys", { cause });
    }
    throw new LockError("ARCHIVE_UNREACHABLE", `the indexes of ${mirrors} could not be fetched: ${said}`, "connect this host to the mirrors, or set http_proxy", { cause });
  }
}
