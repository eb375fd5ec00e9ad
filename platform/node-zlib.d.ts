/** What is used of the runtime's zlib: the platform's own types do not describe the modules of Node. */
declare module "node:zlib" {
  export function gzipSync(bytes: Uint8Array, options: { readonly level: number }): Uint8Array;
  export function gunzipSync(bytes: Uint8Array, options: { readonly maxOutputLength: number }): Uint8Array;
}
