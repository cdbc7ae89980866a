// A build of one release, to be killed: node seal-program.ts FOLDER OUT ID GENERATION. Writes "noted" when it has come to its end.
import { appendIndex, healOut } from "../../builder/out/append-index.ts";
import { withOutLock } from "../../builder/out/lock-out.ts";
import { openSealing } from "./sealed-release.ts";

const [root = "", out = "", id = "", generation = "1"] = process.argv.slice(2);
const { seal, outFolder } = await openSealing(root, () => undefined);
const folder = outFolder(out);
process.stdout.write("opened\n");
await withOutLock(folder.dir, () => undefined, async () => {
  await healOut(folder);
  await appendIndex(folder, await seal(out, id, Number(generation)));
});
process.stdout.write("noted\n");
