/** The contracts that the fakes keep, on the simulators of R2 and of an object's storage. */
import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { r2Objects } from "../../platform/objects.ts";
import { objectStoreContract } from "../contract/object-store.contract.ts";
import { storageContract } from "../contract/storage.contract.ts";
import { bucket } from "./helpers.ts";
import { hourText, bucketOf } from "./helpers-objects.ts";

objectStoreContract("R2", "contract/", () => r2Objects(env.EVENTS));

// A bucket's constructor reads nothing, so that it lives on tables that are not its own.
storageContract("a Durable Object", (object) => {
  const address = bucket(`contract/${object}`, hourText);
  return {
    use: (act) => runInDurableObject(bucketOf(address), (_instance, { storage }) => act(storage)),
    restart: () => abortAllDurableObjects(),
  };
});
