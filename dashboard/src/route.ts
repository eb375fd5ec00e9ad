/** Which page is shown, as the address after `#` says it. Anything else is the grid. */
export type Route =
  | { readonly page: "grid" }
  | { readonly page: "trend" }
  | { readonly page: "streams" }
  | { readonly page: "keys" }
  | { readonly page: "stream"; readonly type: string }
  | { readonly page: "bucket"; readonly type: string; readonly hour: string };

export function routeOf(hash: string): Route {
  const [page = "", type = "", hour = ""] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  switch (page) {
    case "trend":
    case "streams":
    case "keys":
      return { page };
    case "stream":
      return type === "" ? { page: "grid" } : { page, type };
    case "bucket":
      return type !== "" && /^\d{4}-\d{2}-\d{2}T\d{2}$/.test(hour) ? { page, type, hour } : { page: "grid" };
    default:
      return { page: "grid" };
  }
}

export function hrefOf(route: Route): string {
  switch (route.page) {
    case "grid":
      return "#/";
    case "stream":
      return `#/stream/${encodeURIComponent(route.type)}`;
    case "bucket":
      return `#/bucket/${encodeURIComponent(route.type)}/${route.hour}`;
    case "trend":
    case "streams":
    case "keys":
      return `#/${route.page}`;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
