import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { encodeEventLog } from "../../test/fakes/encode-event-log.ts";
import { vectorsDir } from "../../test/vectors.ts";
import { parseEventLog } from "../../proto/eventlog/event-log.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { inspectEventLog } from "./inspect.ts";

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(vectorsDir, file)));
const own = read("own-boot/b1/binary_bios_measurements");

t.test("our own boot", async (t) => {
  const shown = inspectEventLog(own, "sha256");
  t.equal(shown.format, "crypto-agile");
  t.same(shown.banks, ["sha1", "sha256", "sha384", "sha512"]);
  t.equal(shown.pcrs["4"], "0143a254c116c8e07f816a5540d36c93d0640e2c4a8f1e215f00777e041d495c");
  t.same(shown.warnings, []);
  t.same(shown.events[3], { pcr: 7, type: "EV_EFI_VARIABLE_DRIVER_CONFIG", digest: "ccfc4bb32888a345bc8aeadaba552b627d99348c767681ab3141f5b01e40a40e", description: "UEFI variable SecureBoot: on" });
  t.not(inspectEventLog(own, "sha384").pcrs["4"], shown.pcrs["4"]);
});

t.test("what is odd is said", async (t) => {
  const log = parseEventLog(own);
  const injected = { pcr: 12, type: 13, typeName: "EV_IPL", digests: log.banks.map((b) => new Uint8Array(b.size)), data: utf8("x") };
  const events = [...log.events.filter((e) => !(e.pcr === 6)), injected];
  t.same(inspectEventLog(encodeEventLog({ banks: log.banks, events }), "sha256").warnings, [
    "PCR 6 has 0 separators instead of one.",
    "PCR 12 isn't zero: something was handed to the boot loader from outside.",
  ]);
});

t.test("what is no log is refused", async (t) => {
  t.throws(() => inspectEventLog(read("eventlogs/debian-10.bin"), "sha1"), { code: "LEGACY_LOG" });
  t.throws(() => inspectEventLog(own, "md5"), { code: "UNKNOWN_BANK" });
  t.throws(() => inspectEventLog(own, "sha3-256"), { code: "UNKNOWN_BANK" });
  t.throws(() => inspectEventLog(own.subarray(0, -1), "sha256"), { code: "TRUNCATED" });
});
