import t from "tap";
import { sealing } from "../../test/fakes/sealed-release.ts";
import { billName } from "./keep-bill.ts";

const { tc, inputs } = await sealing(t);
const given = { inputs: { ...inputs, role: { ...inputs.role, generated: [] } }, rootDigest: "ab".repeat(32), rootHash: "cd".repeat(32), signedUki: Buffer.from("uki") };

t.test("the same image, sources and lock: the same bill", async (t) => {
  t.equal(await billName(tc, given), await billName(tc, structuredClone(given)));
});

t.test("whatever shapes a bill, or decides whether there is one, names another", async (t) => {
  const { lock } = tc;
  const names = await Promise.all([
    billName(tc, given),
    billName(tc, { ...given, rootDigest: "ac".repeat(32) }),
    billName(tc, { ...given, rootHash: "ce".repeat(32) }),
    billName(tc, { ...given, signedUki: Buffer.from("Uki") }),
    billName(tc, { ...given, inputs: { ...given.inputs, overlay: "another" } }),
    billName(tc, { ...given, inputs: { ...given.inputs, role: { ...given.inputs.role, generated: [{ path: "/etc/demo/id", why: "a script" }] } } }),
    billName({ ...tc, key: "another" }, given),
    billName({ ...tc, lock: { ...lock, packages: lock.packages.slice(1) } }, given),
  ]);
  t.equal(new Set(names).size, names.length);
});
