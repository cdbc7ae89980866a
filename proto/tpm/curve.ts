import type { ByteReader } from "../wire/reader.ts";
import { WireError } from "../wire/error.ts";
import { hex16 } from "./alg.ts";

/** A NIST curve of the TCG Algorithm Registry (TPM_ECC_CURVE) and what node:crypto and JWK call it. */
export interface Curve {
  /** TPM_ECC_CURVE, 16 bits. */
  readonly id: number;
  /** JWK `crv`. */
  readonly jwk: "P-224" | "P-256" | "P-384" | "P-521";
  /** Name for createECDH; undefined where kubedos never agrees on a key over it. */
  readonly ecdh: string | undefined;
  /** Bytes of a coordinate, and of r and s. */
  readonly size: number;
  /** Order of the base point. */
  readonly order: bigint;
}

const CURVES: readonly Curve[] = [
  {
    id: 0x0002,
    jwk: "P-224",
    ecdh: undefined,
    size: 28,
    order: 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn,
  },
  {
    id: 0x0003,
    jwk: "P-256",
    ecdh: "prime256v1",
    size: 32,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  {
    id: 0x0004,
    jwk: "P-384",
    ecdh: "secp384r1",
    size: 48,
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  {
    id: 0x0005,
    jwk: "P-521",
    ecdh: undefined,
    size: 66,
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  },
];

/** Name of a supported curve. */
export type CurveName = Curve["jwk"];

/** The curve of that name. */
export function curveOf(name: CurveName): Curve {
  const curve = CURVES.find((c) => c.jwk === name);
  if (curve === undefined) throw new RangeError(`no curve ${name}`);
  return curve;
}

/** Reads a TPM_ECC_CURVE. Throws WireError `BAD_VALUE` on curves that are not in the table. */
export function readCurve(r: ByteReader): Curve {
  const id = r.u16be();
  const curve = CURVES.find((c) => c.id === id);
  if (curve === undefined) throw new WireError("BAD_VALUE", `curve ${hex16(id)} is not supported`);
  return curve;
}
