import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { z } from "zod";
import { parseJson } from "../../../proto/wire/json.ts";
import { BuildError } from "../../error.ts";
import { listFiles } from "../../release/list-files.ts";
import { sbomFile } from "../../release/release-files.ts";
import { findReleaseFolder } from "../../out/verify-out.ts";
import type { CliIo } from "../cli-io.ts";
import { renderTable } from "../render-table.ts";

interface Options {
  readonly role?: string;
  readonly output: "table" | "spdx" | "cyclonedx";
}

const MAX_BYTES = 64 * 1024 * 1024;
const spdxSchema = z.object({
  packages: z.array(z.object({ SPDXID: z.string(), name: z.string(), versionInfo: z.string() })),
  files: z.array(z.object({ fileName: z.string(), comment: z.string() })),
});

/** `kubedos-build sbom show`. */
export function addSbomShow(sbom: Command, io: CliIo): void {
  sbom
    .command("show")
    .summary("print what is in an image")
    .description("Prints the packages, and the files that no package owns, of a release's images. kubedos-build verify says whether the files are what was signed.")
    .argument("<path>", "a release's folder, or the --out of the builds: then the newest release")
    .option("--role <name>", "this role's image; without it, every role's")
    .addOption(new Option("-o, --output <format>", "a table, or the SBOM itself (needs --role where there are several)").choices(["table", "spdx", "cyclonedx"]).default("table"))
    .addHelpText("after", "\nExamples:\n  kubedos-build sbom show out --role worker\n  kubedos-build sbom show out/demo/0123456789abcdef --role worker -o spdx > worker.spdx.json")
    .action(async (path: string, options: Options) => {
      const dir = await findReleaseFolder(path);
      const roles = await rolesOf(dir, options.role);
      if (options.output === "table") {
        for (const role of roles) io.out(await renderBill(dir, role));
        return;
      }
      const [role = "", other] = roles;
      if (other !== undefined) throw new BuildError("USAGE", `${dir} holds the images of ${roles.join(", ")}`, `add --role ${role}`);
      io.out(await readFile(join(dir, sbomFile(role, options.output)), "utf8"));
    });
}

async function rolesOf(dir: string, wanted: string | undefined): Promise<readonly string[]> {
  const roles = (await listFiles(dir)).filter((path) => path.endsWith("/sbom.spdx.json")).map((path) => path.slice(0, path.indexOf("/")));
  const found = wanted === undefined ? roles : roles.filter((role) => role === wanted);
  if (found.length === 0) throw new BuildError("NO_RELEASE", `${dir} holds no SBOM${wanted === undefined ? "" : ` of role "${wanted}"; it has ${roles.join(", ")}`}`, "kubedos-build sbom show OUT");
  return found;
}

async function renderBill(dir: string, role: string): Promise<string> {
  const { packages, files } = parseJson(spdxSchema, await readFile(join(dir, sbomFile(role, "spdx"))), MAX_BYTES);
  const parts = packages.map((p) => [role, KINDS.find(([prefix]) => p.SPDXID.startsWith(prefix))?.[1] ?? "image", p.name, p.versionInfo]);
  const others = files.map((f) => [role, "file", f.fileName.slice(1), f.comment]);
  return renderTable(["ROLE", "KIND", "NAME", "VERSION OR ORIGIN"], [...parts, ...others]);
}

const KINDS: readonly (readonly [string, string])[] = [
  ["SPDXRef-Deb-", "deb"],
  ["SPDXRef-Boot-", "boot"],
  ["SPDXRef-Program-", "program"],
  ["SPDXRef-Npm-", "npm"],
];
