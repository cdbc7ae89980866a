/** A package that an image's own database says is installed. */
export interface InstalledPackage {
  readonly kind: "deb" | "apk";
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** What it was built from; empty where the database doesn't say. */
  readonly source: string;
  /** What the database says of its licence, in whatever form; empty where it says nothing, as dpkg's always. */
  readonly license: string;
  /** apk's checksum: of the package's control part, which has the digest of the rest. Undefined for dpkg, which keeps none. Hex. */
  readonly checksum: { readonly algorithm: "SHA1" | "SHA256"; readonly hex: string } | undefined;
}
