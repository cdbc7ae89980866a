import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { runTool } from "../../test/swtpm/run-tool.ts";
import { startSwtpm } from "../../test/swtpm/start-swtpm.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import { TpmClient } from "./client.ts";
import { NV_ATTRIBUTE } from "./nv-attributes.ts";
import { FLOOR_INDEX, raiseFloor, readFloor } from "./nv-floor.ts";

const dir = await mkdtemp(join(tmpdir(), "kubedos-floor-"));
t.teardown(() => rm(dir, { recursive: true, force: true }));
const swtpm = await startSwtpm();
t.teardown(() => swtpm.stop());
const client = new TpmClient(swtpm.transport);
await client.startup();
const INDEX = `0x${FLOOR_INDEX.toString(16)}`;
/** SHA-256 of "demo". */
const DEMO = "2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea";
const tool = (name: string, ...args: readonly string[]): Promise<string> => runTool(swtpm.tcti, name, ...args);
const contents = async (): Promise<string> => {
  await tool("tpm2_nvread", INDEX, "-C", "o", "-o", join(dir, "nv"));
  return toHex(new Uint8Array(await readFile(join(dir, "nv"))));
};

t.test("a floor is kept, and tpm2-tools read what we wrote", async (t) => {
  t.equal(await readFloor(client, "demo"), 0, "none was ever kept");
  await raiseFloor(client, "demo", 3);
  t.equal(await readFloor(client, "demo"), 3);
  t.equal(await contents(), `0000000000000003${DEMO}`);
  const printed = await tool("tpm2_nvreadpublic", INDEX);
  t.match(printed, /friendly: ownerwrite\|ownerread\|authread\|no_da\|written\n/);
  t.match(printed, /size: 40\n/);
  await raiseFloor(client, "demo", 3);
  await raiseFloor(client, "demo", 20_260_101);
  t.equal(await readFloor(client, "demo"), 20_260_101, "by any distance");
  await t.rejects(raiseFloor(client, "demo", 20_260_100), RangeError, "it doesn't fall");
  t.equal(await contents(), `000000000135275d${DEMO}`.replace("0135275d", (20_260_101).toString(16).padStart(8, "0")));
});

t.test("we read what tpm2_nvwrite wrote", async (t) => {
  await writeFile(join(dir, "in"), fromHex(`0000000001ffffff${DEMO}`));
  await tool("tpm2_nvwrite", INDEX, "-C", "o", "-i", join(dir, "in"));
  t.equal(await readFloor(client, "demo"), 0x1ffffff);
});

t.test("what isn't this cluster's floor is no floor of 0", async (t) => {
  await t.rejects(readFloor(client, "other"), { code: "BAD_VALUE", message: /another cluster/ });
  await t.rejects(raiseFloor(client, "other", 99_999_999), { code: "BAD_VALUE" });
  await writeFile(join(dir, "in"), fromHex(`ffffffffffffffff${DEMO}`));
  await tool("tpm2_nvwrite", INDEX, "-C", "o", "-i", join(dir, "in"));
  await t.rejects(readFloor(client, "demo"), { code: "BAD_VALUE", message: /no generation/ });
  await tool("tpm2_nvundefine", INDEX, "-C", "o");
  for (const [what, ...args] of [
    ["another size", "-s", "8", "-a", "ownerwrite|ownerread|authread|no_da"],
    ["another attribute", "-s", "40", "-a", "ownerwrite|authwrite|ownerread|authread|no_da"],
    ["a counter", "-s", "8", "-a", "ownerwrite|ownerread|authread|no_da|nt=counter"],
  ] as const) {
    await tool("tpm2_nvdefine", INDEX, "-C", "o", ...args);
    await t.rejects(readFloor(client, "demo"), { code: "BAD_VALUE", message: /somebody else/ }, what);
    await tool("tpm2_nvundefine", INDEX, "-C", "o");
  }
});

t.test("an index that was defined and never written keeps nothing yet; a TPM that is gone is no floor of 0", async (t) => {
  await client.defineNv({ index: FLOOR_INDEX, attributes: NV_ATTRIBUTE.OWNERWRITE | NV_ATTRIBUTE.OWNERREAD | NV_ATTRIBUTE.AUTHREAD | NV_ATTRIBUTE.NO_DA, size: 40 });
  t.equal(await readFloor(client, "demo"), 0);
  await t.rejects(client.defineNv({ index: FLOOR_INDEX, attributes: NV_ATTRIBUTE.OWNERWRITE | NV_ATTRIBUTE.OWNERREAD, size: 8 }), { code: "REFUSED", rcName: "TPM_RC_NV_DEFINED" });
  await raiseFloor(client, "demo", 1);
  t.equal(await readFloor(client, "demo"), 1);
  t.throws(() => client.writeNv(FLOOR_INDEX, new Uint8Array(0)), RangeError);
  t.equal(await client.nvPublic(0x01806b65), null);
  const gone = new TpmClient({ send: () => Promise.reject(new Error("unplugged")) });
  await t.rejects(readFloor(gone, "demo"), { code: "TRANSPORT" });
});

t.test("the floor outlives a restart of the TPM", async (t) => {
  const stateDir = await mkdtemp(join(dir, "state-"));
  for (const expected of [0, 7]) {
    const tpm = await startSwtpm({ stateDir });
    try {
      const again = new TpmClient(tpm.transport);
      t.equal(await readFloor(again, "demo"), expected);
      await raiseFloor(again, "demo", 7);
    } finally {
      await tpm.stop();
    }
  }
});
