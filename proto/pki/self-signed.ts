import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { bitString, boolean, context, octetString, objectId, sequence, setOf, smallInteger, time, unsignedInteger, utf8String } from "../wire/der.ts";
import type { IssueOptions } from "./issue.ts";

const ECDSA_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));
const NAME = sequence(setOf(sequence(objectId("2.5.4.3"), utf8String("kubedos node without identity"))));
const critical = (id: string, value: Uint8Array): Uint8Array => sequence(objectId(id), boolean(true), octetString(value));
const EXTENSIONS = context(3, sequence(
  // Basic constraints: no CA. Extended key usage: a TLS client.
  critical("2.5.29.19", sequence()),
  critical("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.2"))),
));

/**
 * A node's certificate before it has an identity: proves possession of a key and claims nothing (RFC 5280 §4.1). DER. Written
 * out here because the agent makes one at each start: the library that issues everything else takes longer to load than the rest of
 * the agent's work before its first quote. Keys are P-256; `key` signs, and is the subject's own wherever this isn't a test.
 */
export function issueSelfSigned({ subjectKey, key, notBefore, notAfter, serial }: IssueOptions & { readonly key: KeyObject }): Uint8Array {
  const publicKey = subjectKey.type === "private" ? createPublicKey(subjectKey) : subjectKey;
  const tbs = sequence(
    context(0, smallInteger(2)), // version 3
    unsignedInteger(serial),
    ECDSA_SHA256,
    NAME, // issuer
    sequence(time(notBefore), time(notAfter)),
    NAME, // subject
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    EXTENSIONS,
  );
  return sequence(tbs, ECDSA_SHA256, bitString(new Uint8Array(sign("sha256", tbs, key))));
}
