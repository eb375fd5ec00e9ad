/** What the platform allows, each with where it says so. */

export interface PlatformLimit {
  readonly value: number;
  readonly unit: string;
  readonly source: string;
}

const objectLimits = "https://developers.cloudflare.com/durable-objects/platform/limits/";

export const platform = {
  objectRequestsPerSecond: {
    value: 1_000,
    unit: "requests/s of one object (a soft limit)",
    source: objectLimits,
  },
  objectBytes: { value: 10e9, unit: "bytes stored by one object", source: objectLimits },
  rpcBytes: {
    value: 32 * 1024 * 1024,
    unit: "bytes of one RPC message, here the bound of what an object holds of one thing at a time",
    source: "https://developers.cloudflare.com/workers/runtime-apis/rpc/",
  },
} as const satisfies Record<string, PlatformLimit>;
