/**
 * A real browser: the Chromium of the system, or the one that HOURSEAL_CHROMIUM names. Without one, tests that need it are
 * skipped. It reaches nothing but this machine, and every run has a profile of its own.
 */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, type Page, chromium } from "playwright-core";

const places = [
  process.env["HOURSEAL_CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

export const browserPath = places.find((place) => place !== undefined && existsSync(place)) ?? null;

export async function launchBrowser(): Promise<Browser> {
  if (browserPath === null) throw new Error("there is no Chromium; these tests should have been skipped");
  return chromium.launch({
    executablePath: browserPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page in a context of its own. `complaints` takes its errors, and what its content security policy stopped. */
export async function openPage(
  browser: Browser,
  complaints: string[],
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A refused request is part of some tests, and the browser logs it.
    if (message.type() === "error" && !/status of [45]\d\d/.test(message.text()))
      complaints.push(message.text());
  });
  return page;
}
