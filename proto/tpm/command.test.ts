import t from "tap";
import { ALG } from "./alg.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import { TpmClient } from "./client.ts";
import { decodeResponse, encodeCommand } from "./command.ts";
import { getHandles } from "./commands/get-capability.ts";
import { getRandom } from "./commands/get-random.ts";
import { pcrEvent } from "./commands/pcr-event.ts";
import { pcrExtend } from "./commands/pcr-extend.ts";
import { pcrRead } from "./commands/pcr-read.ts";
import { quote } from "./commands/quote.ts";
import { startup } from "./commands/startup.ts";
import { TpmError } from "./tpm-error.ts";
import type { TpmTransport } from "./transport.ts";

/** A TPM that gives these answers, whatever the question is. */
function answers(...responses: readonly string[]): TpmTransport & { readonly sent: string[] } {
  const left = [...responses];
  const sent: string[] = [];
  const send = async (command: Uint8Array): Promise<Uint8Array> => {
    sent.push(toHex(command));
    const next = left.shift();
    if (next === undefined) throw new Error("unplugged");
    return fromHex(next);
  };
  return { send, sent };
}
const OK = "80010000000a00000000";
const RETRY = "80010000000a00000922";

t.test("packets are as the specification has them", async (t) => {
  t.equal(toHex(encodeCommand(startup())), "80010000000c000001440000");
  t.equal(toHex(encodeCommand(getRandom(32))), "80010000000c0000017b0020");
  t.equal(
    toHex(encodeCommand(pcrExtend(11, [{ hash: ALG.SHA256, digest: new Uint8Array(32).fill(0xab) }]))),
    `80020000004100000182${"0000000b"}${"00000009" + "40000009" + "0000" + "00" + "0000"}${"00000001" + "000b"}${"ab".repeat(32)}`,
  );
});

t.test("a refusal carries the code and its name", async (t) => {
  const client = new TpmClient(answers("80010000000a0000098e"));
  await t.rejects(client.flush(0x80000000), { name: "TpmError", code: "REFUSED", rc: 0x98e, rcName: "TPM_RC_AUTH_FAIL (session 1)" });
});

t.test("startup of a running TPM is fine, of a broken one is not", async (t) => {
  await new TpmClient(answers("80010000000a00000100")).startup();
  await t.rejects(new TpmClient(answers("80010000000a00000101")).startup(), { code: "REFUSED", rcName: "TPM_RC_FAILURE" });
});

t.test("a response that is none is malformed", async (t) => {
  const command = getRandom(2);
  const good = "80010000000e00000000" + "0002" + "abcd";
  t.same(decodeResponse(command, fromHex(good)), Uint8Array.of(0xab, 0xcd));
  const bad: Readonly<Record<string, string>> = {
    empty: "",
    "size too small": "80010000000d00000000" + "0002" + "abcd",
    "size too large": "80010000000f00000000" + "0002" + "abcd",
    "tag with sessions": "80020000000e00000000" + "0002" + "abcd",
    "another tag": "00c40000000e00000000" + "0002" + "abcd",
    "more than asked": "80010000000f00000000" + "0003" + "abcdef",
    leftovers: "80010000000f00000000" + "0002" + "abcdef",
    "a refusal with a body": "80010000000b0000010100",
  };
  for (const [name, packet] of Object.entries(bad)) {
    t.throws(() => decodeResponse(command, fromHex(packet)), { name: "TpmError", code: "MALFORMED", cause: { name: "WireError" } }, name);
  }
  for (let n = 0; n < good.length; n += 2) t.throws(() => decodeResponse(command, fromHex(good.slice(0, n))), { code: "MALFORMED" });
  t.throws(() => decodeResponse(command, new Uint8Array(5000)), { code: "MALFORMED" });
});

t.test("a response with sessions has one area for each, and nothing behind", async (t) => {
  const command = pcrExtend(11, [{ hash: ALG.SHA256, digest: new Uint8Array(32) }]);
  const good = "80020000001300000000" + "00000000" + "0000010000";
  t.doesNotThrow(() => decodeResponse(command, fromHex(good)));
  const bad: Readonly<Record<string, string>> = {
    "no area": "80020000000e00000000" + "00000000",
    "two areas": "80020000001800000000" + "00000000" + "0000010000" + "0000010000",
    "parameters that nobody reads": "80020000001400000000" + "00000001" + "00" + "0000010000",
    "parameters over the end": "80020000001300000000" + "ffffffff" + "0000010000",
    "no sessions": "80010000000a00000000",
  };
  for (const [name, packet] of Object.entries(bad)) t.throws(() => decodeResponse(command, fromHex(packet)), { code: "MALFORMED" }, name);
});

t.test("a busy TPM is asked again, at last it is refused", async (t) => {
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  const tpm = answers(RETRY, "80010000000a0000090a", "80010000000a00000908", OK);
  await new TpmClient(tpm, pause).flush(0x80000000);
  t.equal(tpm.sent.length, 4);
  t.equal(new Set(tpm.sent).size, 1, "the same packet");
  t.equal(pauses.length, 3);
  await t.rejects(new TpmClient(answers(...Array.from({ length: 50 }, () => RETRY)), pause).flush(1), { code: "REFUSED", rcName: "TPM_RC_RETRY" });
});

t.test("no response is an error of the transport, and the next command goes out", async (t) => {
  let calls = 0;
  const transport: TpmTransport = {
    async send() {
      if (calls++ === 0) throw new Error("unplugged");
      return fromHex(OK);
    },
  };
  const client = new TpmClient(transport);
  const [first, second] = await Promise.allSettled([client.flush(1), client.flush(2)]);
  t.match(first, { status: "rejected", reason: { name: "TpmError", code: "TRANSPORT", cause: { message: "unplugged" } } });
  t.equal(second?.status, "fulfilled");
});

t.test("commands never overlap", async (t) => {
  let busy = 0;
  const transport: TpmTransport = {
    async send() {
      t.equal(++busy, 1);
      await new Promise((resolve) => setImmediate(resolve));
      busy--;
      return fromHex(OK);
    },
  };
  const client = new TpmClient(transport);
  await Promise.all([1, 2, 3, 4].map((handle) => client.flush(handle)));
});

t.test("results don't change when the transport uses its buffer again", async (t) => {
  const packet = Buffer.from("80010000000e00000000" + "0002" + "abcd", "hex");
  const random = decodeResponse(getRandom(2), packet);
  packet.fill(0);
  t.equal(toHex(random), "abcd");
});

/** A response to PCR_Read with one PCR. */
function pcrPage(counter: number, pcr: number): string {
  const bits = Buffer.alloc(3);
  bits[pcr >> 3] = 1 << (pcr & 7);
  const body = `${counter.toString(16).padStart(8, "0")}00000001000b03${bits.toString("hex")}000000010020${"11".repeat(32)}`;
  return `8001${(10 + body.length / 2).toString(16).padStart(8, "0")}00000000${body}`;
}

t.test("PCRs that changed while they were read are read again", async (t) => {
  const moved = answers(pcrPage(1, 0), pcrPage(2, 1), pcrPage(2, 0), pcrPage(2, 1));
  t.equal((await new TpmClient(moved).readPcrs([0, 1])).size, 2);
  t.equal(moved.sent.length, 4);
  const restless = answers(...Array.from({ length: 20 }, (_, i) => pcrPage(i, i % 2)));
  await t.rejects(new TpmClient(restless).readPcrs([0, 1]), { name: "TpmError", code: "UNSTABLE" });
});

t.test("a TPM without the bank says so; one that answers something else is malformed", async (t) => {
  const none = "80010000001600000000" + "00000001" + "00000000" + "00000000";
  await t.rejects(new TpmClient(answers(none)).readPcrs([7]), { name: "TpmError", code: "NO_BANK" });
  await t.rejects(new TpmClient(answers(pcrPage(1, 8))).readPcrs([7]), { name: "TpmError", code: "MALFORMED" }, "another PCR");
  const sha1 = pcrPage(1, 7).replace("000b03", "000403");
  await t.rejects(new TpmClient(answers(sha1)).readPcrs([7]), { name: "TpmError", code: "MALFORMED" }, "another bank");
  t.equal((await new TpmClient(answers()).readPcrs([])).size, 0);
});

t.test("what lists handles may not name others: they get flushed", async (t) => {
  const list = (handle: string): string => "80010000001700000000" + "00" + "00000001" + "00000001" + handle;
  t.same(await new TpmClient(answers(list("80000001"))).getHandles("transient"), [0x80000001]);
  await t.rejects(new TpmClient(answers(list("81000001"))).getHandles("transient"), { code: "MALFORMED" });
  t.throws(() => decodeResponse(getHandles(0x80000000), fromHex("80010000001300000000" + "00" + "00000001" + "ffffffff")), { code: "MALFORMED" });
  const endless = "80010000001700000000" + "01" + "00000001" + "00000001" + "80000000";
  t.equal((await new TpmClient(answers(endless, endless)).getHandles("transient")).length, 2, "a TPM that always has more gets nowhere");
});

t.test("arguments that can't be right are not sent", async (t) => {
  t.throws(() => pcrExtend(24, [{ hash: ALG.SHA256, digest: new Uint8Array(32) }]), RangeError);
  t.throws(() => pcrExtend(0, [{ hash: ALG.SHA256, digest: new Uint8Array(20) }]), RangeError);
  t.throws(() => pcrExtend(0, [{ hash: ALG.SHA384, digest: new Uint8Array(32) }]), RangeError);
  t.throws(() => pcrEvent(-1, new Uint8Array(1)), RangeError);
  t.throws(() => pcrEvent(0, new Uint8Array(1025)), RangeError);
  t.throws(() => pcrRead([24]), RangeError);
  t.throws(() => quote({ ak: 1, extraData: new Uint8Array(65), pcrs: [0] }), RangeError);
  await t.rejects(new TpmClient(answers()).readPcrs([24]), RangeError);
});

t.test("TpmError without a response code has none", async (t) => {
  const error = new TpmError("NO_BANK", "x");
  t.equal(error.rc, undefined);
  t.equal(error.rcName, undefined);
});
