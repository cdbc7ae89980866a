import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { z } from "zod";
import { parseJson } from "../../../proto/wire/json.ts";
import { DARKSITE } from "../../darksite/paths.ts";
import { laidImages } from "../../darksite/write-oci.ts";
import { imageSboms } from "../../darksite/write-sboms.ts";
import { BuildError } from "../../error.ts";
import { listFiles } from "../../release/list-files.ts";
import { sbomFile } from "../../release/release-files.ts";
import { findReleaseFolder } from "../../out/verify-out.ts";
import type { CliIo } from "../cli-io.ts";
import { renderTable } from "../render-table.ts";

interface Options {
  readonly role?: string;
  readonly image?: string;
  readonly output: "table" | "spdx" | "cyclonedx";
}

/** The SBOM of one image, of a role or for containers. */
interface Shown {
  readonly name: string;
  /** Full paths. */
  readonly spdx: string;
  readonly cyclonedx: string;
}

const MAX_BYTES = 64 * 1024 * 1024;
const spdxSchema = z.object({
  packages: z.array(z.object({ SPDXID: z.string(), name: z.string(), versionInfo: z.string() })),
  files: z.array(z.object({ fileName: z.string(), comment: z.string() })).optional(),
});

/** `kubedos-build sbom show`. */
export function addSbomShow(sbom: Command, io: CliIo): void {
  sbom
    .command("show")
    .summary("print what is in an image")
    .description("Prints the packages, and the files that no package owns, of a release's images; of a darksite or bundle the packages in its container images. kubedos-build verify and darksite verify say whether the files are what was signed.")
    .argument("<path>", "a release's folder, or the --out of the builds: then the newest release; or a darksite")
    .option("--role <name>", "this role's image; without it, every role's")
    .option("--image <name>", "of a darksite: this container image; without it, every one")
    .addOption(new Option("-o, --output <format>", "a table, or the SBOM itself (needs --role or --image where there are several)").choices(["table", "spdx", "cyclonedx"]).default("table"))
    .addHelpText("after", "\nExamples:\n  kubedos-build sbom show out --role worker\n  kubedos-build sbom show out/demo/0123456789abcdef --role worker -o spdx > worker.spdx.json\n  kubedos-build sbom show /media/usb/site --image registry.k8s.io/pause:3.10")
    .action(async (path: string, options: Options) => {
      const site = existsSync(join(path, DARKSITE.list));
      if (site ? options.role !== undefined : options.image !== undefined) throw new BuildError("USAGE", site ? `${path} is a darksite: it holds container images, not those of roles` : `${path} is no darksite: it holds no container images`, site ? "take --image NAME" : "take --role NAME");
      const shown = await (site ? ofImages(path, options.image) : ofRoles(await findReleaseFolder(path), options.role));
      if (options.output === "table") {
        for (const image of shown) io.out(await renderBill(site ? "IMAGE" : "ROLE", image));
        return;
      }
      const [one, other] = shown;
      if (one === undefined || other !== undefined) throw new BuildError("USAGE", `${path} holds the images ${shown.map(({ name }) => name).join(", ")}`, `add ${site ? "--image" : "--role"} ${one?.name ?? ""}`);
      io.out(await readFile(one[options.output], "utf8"));
    });
}

async function ofRoles(dir: string, wanted: string | undefined): Promise<readonly Shown[]> {
  const roles = (await listFiles(dir)).filter((path) => path.endsWith("/sbom.spdx.json")).map((path) => path.slice(0, path.indexOf("/")));
  const found = wanted === undefined ? roles : roles.filter((role) => role === wanted);
  if (found.length === 0) throw new BuildError("NO_RELEASE", `${dir} holds no SBOM${wanted === undefined ? "" : ` of role "${wanted}"; it has ${roles.join(", ")}`}`, "kubedos-build sbom show OUT");
  return found.map((role) => ({ name: role, spdx: join(dir, sbomFile(role, "spdx")), cyclonedx: join(dir, sbomFile(role, "cyclonedx")) }));
}

async function ofImages(dir: string, wanted: string | undefined): Promise<readonly Shown[]> {
  const images = await laidImages(dir);
  const found = images.filter((image) => (wanted === undefined || image.name === wanted) && existsSync(join(dir, imageSboms(image).spdx)));
  if (found.length === 0) {
    const has = images.length === 0 ? "it holds no container images" : `it has ${images.map(({ name }) => name).join(", ")}`;
    throw new BuildError("NO_RELEASE", `${dir} holds no SBOM${wanted === undefined ? "" : ` of ${wanted}`}; ${has}`, "kubedos-build darksite SPEC --lock LOCK -o DIR writes one for every image of the lock");
  }
  return found.map((image) => ({ name: image.name, spdx: join(dir, imageSboms(image).spdx), cyclonedx: join(dir, imageSboms(image).cyclonedx) }));
}

async function renderBill(heading: "ROLE" | "IMAGE", { name, spdx }: Shown): Promise<string> {
  const { packages, files = [] } = parseJson(spdxSchema, await readFile(spdx), MAX_BYTES);
  const parts = packages.map((p) => [name, KINDS.find(([prefix]) => p.SPDXID.startsWith(prefix))?.[1] ?? "image", p.name, p.versionInfo]);
  const others = files.map((f) => [name, "file", f.fileName.slice(1), f.comment]);
  return renderTable([heading, "KIND", "NAME", "VERSION OR ORIGIN"], [...parts, ...others]);
}

const KINDS: readonly (readonly [string, string])[] = [
  ["SPDXRef-Deb-", "deb"],
  ["SPDXRef-Apk-", "apk"],
  ["SPDXRef-Layer-", "layer"],
  ["SPDXRef-Boot-", "boot"],
  ["SPDXRef-Program-", "program"],
  ["SPDXRef-Npm-", "npm"],
];
