import t from "tap";
import { PHASE_WORDS } from "../../proto/evidence/limits.ts";
import { extend } from "../../proto/tpm/pcr.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { countWords } from "./measured-words.ts";

const firmware = sha256(utf8("after the firmware"));
const after = (...words: string[]): Uint8Array => words.reduce((pcr, word) => extend(pcr, sha256(utf8(word))), firmware);

t.test("every prefix from the initrd's words on", async (t) => {
  for (let k = 2; k <= PHASE_WORDS.length; k++) t.equal(countWords(after(...PHASE_WORDS.slice(0, k)), firmware), k);
});

t.test("anything else is unexplained", async (t) => {
  const cases: [string, Uint8Array][] = [
    ["nothing extended", firmware],
    ["the initrd not over", after("enter-initrd")],
    ["words in another order", after("leave-initrd", "enter-initrd")],
    ["a word twice", after("enter-initrd", "leave-initrd", "kubedos-agent", "kubedos-agent")],
    ["a word left out", after("enter-initrd", "leave-initrd", "kubedos-admitted")],
    ["systemd's word", after("enter-initrd", "leave-initrd", "sysinit")],
    ["the failure's word", after("enter-initrd", "leave-initrd", "kubedos-failed")],
    ["a word after the last", after(...PHASE_WORDS, "kubedos-failed")],
    ["another firmware", sha256(utf8("another"))],
    ["a short value", new Uint8Array(20)],
  ];
  for (const [name, pcr] of cases) t.throws(() => countWords(pcr, firmware), { code: "PCR_UNEXPLAINED" }, name);
});
