import fc from "fast-check";
import t from "tap";
import { keylime, windows } from "../../test/swtpm/quote-vectors.ts";
import { makeEccAk, makeEk, makeRsaAk, signAs } from "../../test/swtpm/test-keys.ts";
import { utf8 } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { toHex } from "../wire/hex.ts";
import { ALG } from "./alg.ts";
import { parseAttest } from "./attest.ts";
import { pcrRead } from "./commands/pcr-read.ts";
import { quote } from "./commands/quote.ts";
import { decodeResponse } from "./command.ts";
import { makeCredential } from "./credential.ts";
import { marshalPublic, nameOf, parsePublic, publicKeyObject } from "./public.ts";
import { parseSignature, verifySignature } from "./signature.ts";
import { TpmError } from "./tpm-error.ts";

/** Milliseconds for each property; four of them. */
const BUDGET = 500;
const options = { interruptAfterTimeLimit: BUDGET, markInterruptAsFailure: false, numRuns: 1_000_000 };

const message = utf8("message");
const rsa = makeRsaAk({ name: "rsassa", hash: ALG.SHA256 });
const pss = makeRsaAk({ name: "rsapss", hash: ALG.SHA256 });
const ecc = makeEccAk({ name: "ecdsa", hash: ALG.SHA256 });

/** A valid structure after some overwritten bytes, and maybe cut or lengthened. Never the original. */
function mutated(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(600), value: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)) });
  return fc
    .record({ sample: fc.constantFrom(...samples), edits: fc.array(edit, { maxLength: 4 }), cut: fc.option(fc.nat(600)), tail: fc.uint8Array({ maxLength: 4 }) })
    .map(({ sample, edits, cut, tail }) => {
      const copy = Uint8Array.from([...sample.subarray(0, cut ?? sample.length), ...tail]);
      for (const { at, value } of edits) if (copy.length > 0) copy[at % copy.length] = value;
      return copy;
    })
    .filter((data) => !samples.some((sample) => toHex(sample) === toHex(data)));
}

/** Runs `work`; its refusals are fine, every other exception is not. */
function refusable(work: () => void): void {
  try {
    work();
  } catch (e) {
    if (!(e instanceof WireError) && !(e instanceof TpmError)) throw e;
  }
}

t.test("a public area parses back to its bytes or is refused; its key can be used or is refused", async (t) => {
  const samples = [rsa.publicArea, ecc.publicArea, makeEk("P-384").publicArea, keylime.ekPublic, windows.akPublic];
  const signatures = [rsa, ecc, pss].map((key) => parseSignature(signAs(key, message, key.key.scheme ?? { name: "ecdsa", hash: ALG.SHA256 })));
  const check = (data: Uint8Array): void => {
    refusable(() => {
      const key = parsePublic(data);
      if (toHex(marshalPublic(key)) !== toHex(data)) throw new Error("not the same bytes");
      nameOf(data);
      refusable(() => void publicKeyObject(key));
      for (const signature of signatures) refusable(() => void verifySignature(key, signature, message));
    });
    refusable(() => void makeCredential({ ekPublic: data, akName: new Uint8Array(34), secret: new Uint8Array(32), entropy: (n) => new Uint8Array(n).fill(5) }));
  };
  fc.assert(fc.property(mutated(samples), check), options);
  t.pass();
});

t.test("an attestation is read or refused", async (t) => {
  const check = (data: Uint8Array): void => refusable(() => {
    const { quote } = parseAttest(data);
    for (const { pcrs } of quote?.selections ?? []) if (pcrs.some((pcr) => pcr > 23)) throw new Error("PCR over 23");
  });
  fc.assert(fc.property(mutated([keylime.quote, windows.quote, windows.creation]), check), options);
  t.pass();
});

t.test("a changed signature is never accepted", async (t) => {
  for (const { key, name } of [{ key: rsa, name: "rsassa" }, { key: pss, name: "rsapss" }, { key: ecc, name: "ecdsa" }] as const) {
    const good = signAs(key, message, { name, hash: ALG.SHA256 });
    t.ok(verifySignature(key.key, parseSignature(good), message));
    const numbers = (data: Uint8Array): string => {
      const s = parseSignature(data);
      return s.scheme === "ecdsa" ? [s.r, s.s].map((v) => BigInt(`0x${toHex(v) || "0"}`)).join() : toHex(s.signature);
    };
    const check = (data: Uint8Array): void => refusable(() => {
      if (verifySignature(key.key, parseSignature(data), message) && numbers(data) !== numbers(good)) throw new Error("accepted");
    });
    fc.assert(fc.property(mutated([good]), check), { ...options, interruptAfterTimeLimit: BUDGET / 3 });
  }
});

t.test("a response of the TPM is read or is a TpmError", async (t) => {
  const page = Buffer.concat([Buffer.from("80010000003e000000000000000100000001000b03010000000000010020", "hex"), Buffer.alloc(32)]);
  const body = Buffer.concat([Buffer.from([0, keylime.quote.length]), keylime.quote, keylime.signature]);
  const head = Buffer.alloc(14);
  head.writeUInt16BE(0x8002, 0);
  head.writeUInt32BE(14 + body.length + 5, 2);
  head.writeUInt32BE(body.length, 10);
  const quoted = Buffer.concat([head, body, Buffer.from("0000010000", "hex")]);
  const read = pcrRead([0]);
  const ask = quote({ ak: 0x80000000, extraData: message, pcrs: [0] });
  t.equal(decodeResponse(read, page).values.length, 1);
  t.equal(toHex(decodeResponse(ask, quoted).signature), toHex(keylime.signature));
  const check = (data: Uint8Array): void => {
    for (const command of [read, ask]) {
      try {
        decodeResponse<unknown>(command, data);
      } catch (e) {
        if (!(e instanceof TpmError)) throw e;
      }
    }
  };
  fc.assert(fc.property(mutated([page, quoted]), check), options);
});
