import type { PortRule, Volume } from "../../proto/release/image-config.ts";

/** A role as data (DESIGN §4): what its image holds and which ports it may use. Everything in here is an image input. */
export interface RoleDefinition {
  readonly name: string;
  readonly about: string;
  /** True on the role that runs kubedos-hub. */
  readonly hub: boolean;
  /** Debian packages beside those of the base system. */
  readonly packages: readonly string[];
  /**
   * Holes in a firewall that drops everything else in both directions. The planes' own UDP ports are added from the spec,
   * inwards on the hub's role and outwards on the others; ICMP echo on the planes is always open.
   */
  readonly ports: readonly PortRule[];
  /** Data volumes; `size` is MiB at least, and no image input. */
  readonly volumes: readonly (Volume & { readonly size: number })[];
  /** MiB below which the image isn't meant to boot. */
  readonly minMemory: number;
}
