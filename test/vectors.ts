import { fileURLToPath } from "node:url";

/** Folder with logs and quotes that others recorded; beside the checkout, or where KUBEDOS_VECTORS says. */
export const vectorsDir: string =
  process.env["KUBEDOS_VECTORS"] ?? fileURLToPath(new URL("../../shared/vectors", import.meta.url));
