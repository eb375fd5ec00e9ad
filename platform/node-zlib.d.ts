/** What is used of the runtime's zlib: the platform's own types do not describe the modules of Node. */
declare module "node:zlib" {
  export function gzipSync(bytes: Uint8Array, options: { readonly level: number }): Uint8Array;
  /** A transform that takes no more than it is read. */
  export interface Gunzip extends AsyncIterable<Uint8Array> {
    readonly destroyed: boolean;
    /** False: wait for `drain` before the next one. */
    write(bytes: Uint8Array): boolean;
    end(): void;
    destroy(error?: Error): void;
    on(event: "drain" | "close", act: () => void): void;
    off(event: "drain" | "close", act: () => void): void;
  }
  export function createGunzip(options: { readonly chunkSize: number }): Gunzip;
  export function gunzipSync(bytes: Uint8Array, options: { readonly maxOutputLength: number }): Uint8Array;
}
