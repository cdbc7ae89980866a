import type { Distro } from "./distro.ts";
import { trixie } from "./trixie.ts";

/** What images and tools are made of. */
export const distro: Distro = trixie;
