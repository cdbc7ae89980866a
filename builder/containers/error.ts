import { NextStepError } from "../next-step-error.ts";

/** A container image whose contents can't be told. The message names the image and the layer. */
export class ContainerError extends NextStepError<ContainerErrorCode> {}

/**
 * IMAGE_UNREADABLE: a manifest, config or layer that isn't what it says it is. IMAGE_TOO_LARGE: one that grows over a limit while it is
 * unpacked. PACKAGES_UNREADABLE: a package database in it that is none.
 */
export type ContainerErrorCode = "IMAGE_UNREADABLE" | "IMAGE_TOO_LARGE" | "PACKAGES_UNREADABLE";
