/** What is used of the runtime's node:crypto: the platform's own types do not describe the modules of Node. */
declare module "node:crypto" {
  interface Hash {
    update(bytes: Uint8Array): Hash;
    digest(encoding: "hex"): string;
  }
  export function createHash(name: "sha256"): Hash;
}
