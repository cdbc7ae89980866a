import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "../proto/wire/json.ts";
import { projectDir } from "./release/source-digest.ts";

/** The version of kubedos that builds, from package.json. */
export const VERSION: string = parseJson(z.object({ version: z.string().max(64) }), readFileSync(join(projectDir, "package.json")), 64 * 1024).version;
