import { type GeneratedFile, pathPattern } from "../roles/generated-file.ts";
import type { Content } from "./content.ts";

/** Files that no package and no input of ours holds, because a program of the build wrote them. */
export interface GeneratedRule {
  readonly path: RegExp;
  /** Who writes it, for people. */
  readonly by: string;
}

const DPKG = "dpkg's database";
const SCRIPTS = "the packages' own scripts, when they were unpacked";

/** What making a tree leaves in every image. A path that is in none of these rules is a file that nobody answers for. */
export const GENERATED_FILES: readonly GeneratedRule[] = [
  { path: /^\/(bin|sbin|lib|lib64)$/, by: "mmdebstrap's merge of /usr" },
  { path: /^\/etc\/dpkg\/dpkg\.cfg\.d\/99mmdebstrap$/, by: "mmdebstrap, which unpacks no documentation" },
  { path: /^\/etc\/alternatives\/[\w.+-]+$/, by: "update-alternatives" },
  { path: /^\/etc\/(passwd|group|shadow|gshadow)$/, by: "base-passwd, and builder/rootfs/accounts.ts" },
  { path: /^\/etc\/sub[ug]id$/, by: SCRIPTS },
  { path: /^\/etc\/ld\.so\.cache$/, by: "ldconfig" },
  { path: /^\/etc\/machine-id$/, by: "builder/rootfs/trim-tree.ts; it is empty" },
  { path: /^\/etc\/(default\/locale|dpkg\/origins\/default|environment|localtime|modules|mtab|nsswitch\.conf|profile|security\/opasswd|shells|vconsole\.conf)$/, by: SCRIPTS },
  { path: /^\/etc\/(exports|hosts|hosts\.allow|hosts\.deny|idmapd\.conf|inputrc|networks|nfs\.conf|default\/nfs-kernel-server|lighttpd\/conf-enabled\/[\w.-]+)$/, by: SCRIPTS },
  { path: /^\/var\/lib\/nfs\/(etab|rmtab|state)$/, by: SCRIPTS },
  { path: /^\/etc\/pam\.d\/common-(account|auth|password|session|session-noninteractive)$/, by: "pam-auth-update" },
  { path: /^\/root\/\.(bashrc|profile)$/, by: SCRIPTS },
  { path: /^\/usr\/lib\/modules\/[\w.+-]+\/modules\.[\w.]+$/, by: "depmod" },
  { path: /^\/usr\/lib\/udev\/hwdb\.bin$/, by: "systemd-hwdb" },
  { path: /^\/usr\/local\/man$/, by: SCRIPTS },
  { path: /^\/var\/lib\/dpkg\/(arch|arch-native|diversions|diversions-old|lock|lock-frontend|status|status-old|statoverride)$/, by: DPKG },
  { path: /^\/var\/lib\/dpkg\/(alternatives|info|triggers)\/[\w.+:-]+$/, by: DPKG },
  { path: /^\/var\/lib\/(pam\/(account|auth|password|seen|session|session-noninteractive)|shells\.state)$/, by: SCRIPTS },
  { path: /^\/var\/(lock|run|spool\/mail)$/, by: SCRIPTS },
];

/** Ours, and those that a role's folder names. */
export function rulesWith(files: readonly GeneratedFile[]): readonly GeneratedRule[] {
  return [...GENERATED_FILES, ...files.map(({ path, why }): GeneratedRule => ({ path: pathPattern(path), by: `the scripts of the role's packages: ${why}` }))];
}

/** Who wrote this path of an image; undefined where no rule says. */
export function generatedBy(path: string, content: Content, rules: readonly GeneratedRule[] = GENERATED_FILES): string | undefined {
  if (content.kind === "link" && content.target.startsWith("/etc/alternatives/")) return "update-alternatives";
  return rules.find((rule) => rule.path.test(path))?.by;
}
