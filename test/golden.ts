import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The text that is expected in `test/golden/PATH`. With KUBEDOS_GOLDEN=update it becomes `actual` first: look at the difference before you commit it. */
export function golden(path: string, actual: string): string {
  const file = fileURLToPath(new URL(`golden/${path}`, import.meta.url));
  if (process.env["KUBEDOS_GOLDEN"] === "update") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, actual);
  }
  return readFileSync(file, "utf8");
}
