import type { ClusterSpec, SpecPlane } from "./schema.ts";

/** All that an image may know of the spec: nothing of any node, address, size or workload (DESIGN §2.4). */
export interface SpecImageInputs {
  readonly cluster: string;
  /** By name: their order in the spec says nothing, so it makes no other image. */
  readonly planes: readonly SpecPlane[];
  /** Milliseconds. */
  readonly trust: { readonly lease: number; readonly renew: number };
}

/** Picks what images may know. Whatever makes an image takes this and never the spec. */
export function imageInputs({ metadata, network, trust }: ClusterSpec): SpecImageInputs {
  return {
    cluster: metadata.name,
    planes: network.planes.map(({ name, cidr, port, topology }) => ({ name, cidr, port, topology })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    trust: { lease: trust.lease, renew: trust.renew },
  };
}
