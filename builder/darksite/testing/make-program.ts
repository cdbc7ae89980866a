import { readFile } from "node:fs/promises";
import { parseLock } from "../../lock/lock.ts";
import { makeDarksite } from "../make-darksite.ts";

/** Makes a darksite in a process that a test may kill. Arguments: lock file, darksite, cache. */
const [lockFile = "", dir = "", cacheDir = ""] = process.argv.slice(2);
await makeDarksite({ lock: parseLock(await readFile(lockFile), lockFile), dir, cacheDir, now: new Date(), report: () => undefined });
