/** postject ships no types; this is the one function we call. */
declare module "postject" {
  export function inject(filename: string, resourceName: string, resource: Buffer, options?: { readonly sentinelFuse?: string }): Promise<void>;
}
