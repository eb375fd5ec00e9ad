/** What the routes that only a measuring composition has answer to whoever lacks the admin secret; null: it is there. */
export function refusedWithoutAdmin(
  request: Request,
  { HOURSEAL_ADMIN_KEY: secret }: { readonly HOURSEAL_ADMIN_KEY?: string },
): Response | null {
  if (request.headers.get("Authorization") === `Bearer ${secret}`) return null;
  return new Response("for the admin secret\n", { status: 401 });
}
