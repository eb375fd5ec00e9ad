/**
 * The objects of a deployed bucket, over R2's S3 API (ListObjectsV2 and GetObject), for
 * `--s3 https://<account id>.r2.cloudflarestorage.com/<bucket>`.
 * The key pair comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; reading is all it has to be allowed.
 */
import { AwsClient } from "aws4fetch";
import { encodeSegment } from "../../domain/segment.ts";
import type { ObjectSource } from "./objects.ts";
import { Unusable } from "./unusable.ts";

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function credentialsOf(env: Readonly<Record<string, string | undefined>>): S3Credentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) {
    throw new Unusable(
      "--s3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: create an R2 API token with “Object Read only”",
    );
  }
  return { accessKeyId, secretAccessKey };
}

export function s3Objects(bucketUrl: string, credentials: S3Credentials): ObjectSource {
  const base = bucketUrl.replace(/\/+$/, "");
  if (!URL.canParse(base) || !/^https?:\/\/[^/]+\/.+$/.test(base)) {
    throw new Unusable("--s3 takes https://<account id>.r2.cloudflarestorage.com/<bucket>");
  }
  const client = new AwsClient({ ...credentials, service: "s3", region: "auto", retries: 5 });
  const read = async (url: string): Promise<Response> => {
    const reply = await client.fetch(url).catch((error: unknown) => {
      throw new Unusable(`${base} cannot be reached: ${String(error)}`, { cause: error });
    });
    if (reply.ok || reply.status === 404) return reply;
    const said = (await reply.text()).slice(0, 300);
    throw new Unusable(`${base} answered ${reply.status}; check the key pair and the bucket's name. ${said}`);
  };
  return {
    name: base,
    async *list(prefix) {
      let token: string | null = null;
      do {
        const query = new URLSearchParams({ "list-type": "2", "encoding-type": "url", prefix });
        if (token !== null) query.set("continuation-token", token);
        const reply = await read(`${base}?${query.toString()}`);
        const xml = await reply.text();
        if (!reply.ok) throw new Unusable(`${base} answered 404: there is no such bucket`);
        yield* textsOf(xml, "Key").map((key) => decodeURIComponent(key.replaceAll("+", " ")));
        token = textsOf(xml, "NextContinuationToken")[0] ?? null;
      } while (token !== null);
    },
    async get(key) {
      const reply = await read(`${base}/${key.split("/").map(encodeSegment).join("/")}`);
      if (reply.ok) return new Uint8Array(await reply.arrayBuffer());
      await reply.body?.cancel();
      return null;
    },
    close: () => Promise.resolve(),
  };
}

/** The texts of all elements of that name. The listing is flat XML of a fixed shape; keys in it are URL-encoded. */
function textsOf(xml: string, element: string): string[] {
  return [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, "g"))].map((match) =>
    (match[1] ?? "").replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? ""),
  );
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
