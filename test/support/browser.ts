import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { programs } from './require.ts';

export const browserMissing = programs('chromium');

/** A browser that talks to nobody by itself, with a profile of its own. */
export async function startBrowser(): Promise<Browser> {
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath: Bun.which('chromium') ?? '', args: ['--no-sandbox', '--disable-gpu', ...quiet] });
}

export interface OpenPage {
  readonly page: Page;
  /** Lines on the console that are errors or warnings, uncaught errors, dialogs, and requests to another origin. */
  readonly problems: readonly string[];
  readonly close: () => Promise<void>;
}

/** Opens the page in a context of its own, and takes down whatever is wrong with it from the first request on. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, ...options });
  const problems: string[] = [];
  const page = await context.newPage();
  page.on('console', (line) => {
    if (line.type() === 'error' || line.type() === 'warning') problems.push(`console: ${line.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) problems.push(`foreign: ${request.url()}`);
  });
  await page.goto(url);
  return { page, problems, close: () => context.close() };
}
