import type { KeyObject } from "node:crypto";
import type { Toolchain } from "../builder/toolchain/ensure-toolchain.ts";
/** The word in the UKI's os-release section that is changed, and what it becomes: same length, so nothing moves. */
export declare const ALTERED_WORD: {
    readonly from: "NAME=kubedos";
    readonly to: "NAME=kubedoz";
};
/** Who alters an image after the build and holds the very key that signed it. */
export interface AlterRequest {
    readonly uki: string;
    readonly disk: string;
    readonly dbKey: KeyObject;
    readonly db: Uint8Array;
    /** Raw disk to write. */
    readonly out: string;
}
/** Writes a disk that the firmware starts without complaint: another word in os-release, signed again with db. */
export declare function alterDisk(tc: Toolchain, request: AlterRequest): Promise<void>;
