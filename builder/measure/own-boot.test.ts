import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { vectorsDir } from "../../test/vectors.ts";
import type { SecureBootKeys } from "../efi/secure-boot-variables.ts";
import { valueAfter, wordDigest } from "./event.ts";
import { expectPcr11 } from "./pcr11.ts";
import { expectPcr4 } from "./pcr4.ts";
import { expectPcr7 } from "./pcr7.ts";
import { readPcr } from "./testing/firmware-log.ts";

interface Boot {
  readonly dir: string;
  readonly uki_sections: readonly { readonly name: string; readonly sha256: string }[];
  readonly predicted: { readonly pcr4: string; readonly pcr11: Readonly<Record<string, string>> };
  readonly read_sha256: Readonly<Record<"first" | "early" | "multiuser", Readonly<Record<string, string>>>>;
}

const boots = JSON.parse(readFileSync(join(vectorsDir, "own-boot/expected.json"), "utf8")) as readonly Boot[];
const certificate = (name: string) => new Uint8Array(new X509Certificate(readFileSync(join(vectorsDir, "own-boot", name))).raw);
const keys: SecureBootKeys = {
  pk: certificate("PK.crt"),
  kek: certificate("KEK.crt"),
  db: certificate("db.crt"),
  owner: "11111111-2222-3333-4444-555555555555",
};

for (const boot of boots) {
  const log = readFileSync(join(vectorsDir, boot.dir, "binary_bios_measurements"));
  const read = boot.read_sha256.first;

  t.test(`${boot.dir}: PCR 7 from the certificates alone is what the machine read, event by event`, async (t) => {
    const events = expectPcr7(keys);
    t.same(events.map((e) => e.digest), readPcr(log, 7));
    t.equal(valueAfter(events), read["7"]);
  });

  t.test(`${boot.dir}: PCR 4 from the UKI's Authenticode digest`, async (t) => {
    const found = readPcr(log, 4);
    const events = expectPcr4(fromHex(found[2] ?? ""));
    t.same(events.map((e) => e.digest), found);
    t.equal(valueAfter(events), read["4"]);
    t.equal(valueAfter(events), boot.predicted.pcr4);
  });

  t.test(`${boot.dir}: PCR 11 from the sections, then the words`, async (t) => {
    const events = expectPcr11(boot.uki_sections);
    t.same(events.map((e) => e.digest), readPcr(log, 11));
    for (const [words, value] of Object.entries(boot.predicted.pcr11)) {
      const extended = words === "stub-only" ? [] : words.split(":");
      t.equal(valueAfter([...events, ...extended.map((w) => ({ digest: toHex(wordDigest(w)) }))]), value, words);
    }
    t.equal(read["11"], boot.predicted.pcr11["enter-initrd:leave-initrd"]);
  });
}

t.test("near misses give another PCR 7", async (t) => {
  const right = valueAfter(expectPcr7(keys));
  const flipped = Uint8Array.from(keys.db);
  flipped[200] = (flipped[200] ?? 0) ^ 1;
  const cases: [string, SecureBootKeys][] = [
    ["another owner", { ...keys, owner: "11111111-2222-3333-4444-555555555556" }],
    ["PK and KEK swapped", { ...keys, pk: keys.kek, kek: keys.pk }],
    ["one bit of db's certificate", { ...keys, db: flipped }],
  ];
  for (const [name, wrong] of cases) t.not(valueAfter(expectPcr7(wrong)), right, name);
});

t.test("the order of the sections matters, not where they stand in the file", async (t) => {
  const sections = boots[0]?.uki_sections ?? [];
  t.not(valueAfter(expectPcr11([...sections].reverse())), valueAfter(expectPcr11(sections)));
});
