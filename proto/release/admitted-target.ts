/** The systemd target of a role's own services: the agent starts it once the planes are up, and stops it when the hub takes the identity back. */
export const ADMITTED_TARGET = "kubedos-admitted.target";
