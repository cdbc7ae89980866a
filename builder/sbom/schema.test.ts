import { createHash } from "node:crypto";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import t from "tap";
import { imageBill } from "./testing/image-bill.ts";
import { roleBill } from "./testing/role-bill.ts";
import { writeCycloneDx } from "./write-cyclonedx.ts";
import { writeImageCycloneDx } from "./write-image-cyclonedx.ts";
import { writeImageSpdx } from "./write-image-spdx.ts";
import { writeSpdx } from "./write-spdx.ts";

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

t.test("CycloneDX's own schema of version 1.6, strictly", async (t) => {
  const documents: Readonly<Record<string, string>> = {
    "a role's image": text(writeCycloneDx(roleBill())),
    "a container image": text(writeImageCycloneDx(imageBill())),
    "a container image that holds nothing": text(writeImageCycloneDx({ ...imageBill(), packages: [], os: { id: "", version: "" }, unread: ["something"] })),
  };
  for (const [name, document] of Object.entries(documents)) {
    t.equal(await validator.validate(document), null, name);
    const spoilt = async (from: string | RegExp, to: string): Promise<void> => {
      t.not(document.replace(from, to), document, `${name} has ${from}`);
      t.ok(await validator.validate(document.replace(from, to)), `${name}: ${to}`);
    };
    await spoilt('"bomFormat":"CycloneDX"', '"bomFormat":"another"');
    await spoilt(/urn:uuid:[0-9a-f]{8}/, "urn:uuid:xxxxxxxx");
    await spoilt(/"content":"a{64}"/, `"content":"${"a".repeat(63)}"`);
    await spoilt('"components":[', '"strange":[');
  }
});

interface Spdx {
  readonly packages: readonly { readonly SPDXID: string; readonly filesAnalyzed: boolean; readonly packageVerificationCode?: { readonly packageVerificationCodeValue: string } }[];
  readonly files?: readonly { readonly SPDXID: string; readonly checksums: readonly { readonly algorithm: string; readonly checksumValue: string }[] }[];
  readonly relationships: readonly { readonly spdxElementId: string; readonly relationshipType: string; readonly relatedSpdxElement: string }[];
}

t.test("the rules of SPDX 2.3 that bind one part to another", (t) => {
  for (const [name, data] of [["a role's image", writeSpdx(roleBill())], ["a container image", writeImageSpdx(imageBill())]] as const) {
    const { packages, files = [], relationships } = JSON.parse(text(data)) as Spdx;
    const ids = ["SPDXRef-DOCUMENT", ...packages.map((p) => p.SPDXID), ...files.map((f) => f.SPDXID)];
    t.equal(new Set(ids).size, ids.length, `${name}: no id twice`);
    for (const id of ids) t.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
    for (const r of relationships) t.ok(ids.includes(r.spdxElementId) && ids.includes(r.relatedSpdxElement), `${name}: ${r.spdxElementId} ${r.relationshipType} ${r.relatedSpdxElement}`);
    for (const p of packages) {
      const own = relationships.filter((r) => r.spdxElementId === p.SPDXID && r.relationshipType === "CONTAINS").flatMap((r) => files.filter((f) => f.SPDXID === r.relatedSpdxElement));
      const sums = own.map((f) => f.checksums.find((c) => c.algorithm === "SHA1")?.checksumValue).sort();
      const code = p.filesAnalyzed ? createHash("sha1").update(sums.join("")).digest("hex") : undefined;
      t.equal(p.packageVerificationCode?.packageVerificationCodeValue, code, `${name}: ${p.SPDXID} has a code over its files`);
      t.equal(own.length > 0, p.filesAnalyzed, `${name}: ${p.SPDXID} has files if they were analyzed`);
    }
  }
  t.end();
});
