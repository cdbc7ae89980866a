import { readFile } from "node:fs/promises";
import { ToolError } from "../toolchain/error.ts";
import type { AptRoot } from "./apt-root.ts";
import { LockError } from "./error.ts";
import type { Origin } from "./lock.ts";
import { readStanzas } from "./stanzas.ts";

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

/** An archive whose signatures held. */
export interface Archive {
  /** By name; those of the first origin come first. */
  readonly entries: ReadonlyMap<string, readonly ArchiveEntry[]>;
  /** Names that every tree holds: essential or of priority required, and apt. The same that mmdebstrap's minbase takes. */
  readonly required: readonly string[];
}

const FIELDS = ["Package", "Version", "Architecture", "Essential", "Priority", "Filename", "Size", "SHA256"];

/** Fetches the signed indexes of all origins and reads them. Throws LockError `ARCHIVE_UNREACHABLE` or `ARCHIVE_UNVERIFIED`, ToolError. */
export async function readArchive(apt: AptRoot, origins: readonly Origin[]): Promise<Archive> {
  await update(apt, origins);
  const format = "$(IDENTIFIER) $(SITE) $(RELEASE) $(COMPONENT) $(FILENAME)";
  const targets = (await apt.run(["apt-get", "indextargets", "--format", format])).stdout.split("\n").map((line) => line.split(" "));
  const entries = new Map<string, ArchiveEntry[]>();
  const required = new Set(["apt"]);
  for (const origin of origins) {
    const file = targets.find(([kind, ...of]) => kind === "Packages" && of[0] === origin.mirror && of[1] === origin.suite && of[2] === origin.component)?.[4];
    if (file === undefined) throw new LockError("ARCHIVE_UNREACHABLE", `${origin.mirror} has no packages in component ${origin.component} of ${origin.suite}`);
    for (const stanza of readStanzas(await readFile(file, "utf8"), FIELDS)) {
      const name = stanza.get("Package") ?? "";
      if (stanza.get("Essential") === "yes" || stanza.get("Priority") === "required") required.add(name);
      const entry: ArchiveEntry = {
        name,
        version: stanza.get("Version") ?? "",
        architecture: stanza.get("Architecture") ?? "",
        size: Number(stanza.get("Size")),
        sha256: stanza.get("SHA256") ?? "",
        origin: origin.name,
        path: stanza.get("Filename") ?? "",
      };
      const known = entries.get(name);
      if (known === undefined) entries.set(name, [entry]);
      else known.push(entry);
    }
  }
  return { entries, required: [...required].sort() };
}

/** apt checks each InRelease against the keyring and each index against its InRelease. */
async function update(apt: AptRoot, origins: readonly Origin[]): Promise<void> {
  try {
    await apt.run(["apt-get", "update", "--quiet", "--quiet"]);
  } catch (cause) {
    if (!(cause instanceof ToolError) || cause.code !== "FAILED") throw cause;
    const said = cause.message.split("\n").filter((line) => /^[EW]: /.test(line)).map((line) => line.slice(3)).join("; ");
    const mirrors = [...new Set(origins.map((o) => o.mirror))].join(", ");
    if (/GPG error|not signed|NO_PUBKEY|signatures? |sqv|expired|not valid yet/i.test(said)) {
      throw new LockError("ARCHIVE_UNVERIFIED", `what ${mirrors} sent is not what Debian signed: ${said}`, "see that the host's clock is right and that debian-archive-keyring is current", { cause });
    }
    throw new LockError("ARCHIVE_UNREACHABLE", `the indexes of ${mirrors} could not be fetched: ${said}`, "connect this host to a Debian mirror, or set http_proxy", { cause });
  }
}
