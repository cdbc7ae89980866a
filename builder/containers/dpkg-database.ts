import { readStanzas } from "../lock/stanzas.ts";
import { ContainerError } from "./error.ts";
import type { InstalledPackage } from "./installed-package.ts";

const FIELDS = ["Package", "Version", "Architecture", "Status", "Source"];
// Wider than Debian's own rules: third parties' packages have capitals and underscores too.
const NAME = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,255}$/;
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+:~_-]{0,255}$/;
const SOURCE = /^([A-Za-z0-9][A-Za-z0-9+._-]{0,255})(?: \(([0-9A-Za-z.+:~_-]{1,256})\))?$/;
/** Of these only configuration files are left, or nothing. */
const GONE = /^\S+ \S+ (config-files|not-installed)$/;

/** dpkg's status, or a file of distroless's status.d, which says no status → packages that are there. `where` is for people. Throws ContainerError `PACKAGES_UNREADABLE`. */
export function parseDpkgStatus(data: Uint8Array, where: string): readonly InstalledPackage[] {
  const text = new TextDecoder().decode(data);
  const stanzas = [...readStanzas(text, FIELDS)];
  if (stanzas.length === 0 && text.trim() !== "") throw new ContainerError("PACKAGES_UNREADABLE", `${where} is no database of dpkg`);
  return stanzas.flatMap((stanza): readonly InstalledPackage[] => {
    const field = (name: string): string => (stanza.get(name) ?? "").trim();
    if (GONE.test(field("Status"))) return [];
    const [name, version, architecture] = [field("Package"), field("Version"), field("Architecture")];
    if (!NAME.test(name) || !VERSION.test(version) || !/^[a-z0-9-]{1,64}$/.test(architecture)) {
      throw new ContainerError("PACKAGES_UNREADABLE", `${where} has a package without name, version or architecture: ${JSON.stringify(`${name} ${version} ${architecture}`.slice(0, 200))}`);
    }
    const [, source = name, sourceVersion = version] = SOURCE.exec(field("Source")) ?? [];
    return [{ kind: "deb", name, version, architecture, source: `${source} ${sourceVersion}`, license: "", checksum: undefined }];
  });
}
