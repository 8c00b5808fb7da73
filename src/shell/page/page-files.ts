import dom from './browser/dom.js' with { type: 'text' };
import icon from './browser/icon.svg' with { type: 'text' };
import style from './browser/page.css' with { type: 'text' };
import page from './browser/page.html' with { type: 'text' };
import script from './browser/page.js' with { type: 'text' };
import rows from './browser/rows.js' with { type: 'text' };

/** Nothing from another host, nothing inline, no markup made from texts, no frame around it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** `no-cache`: another version may answer next time. */
const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const FILES: Readonly<Record<string, readonly [type: string, text: string]>> = {
  // Bun's types take every HTML file for a bundle; with `type: 'text'` it is one text.
  '/': ['text/html', String(page)],
  '/page.css': ['text/css', style],
  '/page.js': ['text/javascript', script],
  '/rows.js': ['text/javascript', rows],
  '/dom.js': ['text/javascript', dom],
  '/icon.svg': ['image/svg+xml', icon],
};

/** The page's files, as texts inside the program. */
export function pageFile(path: string): Response | undefined {
  const file = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  return file && new Response(file[1], { headers: { ...HEADERS, 'content-type': `${file[0]}; charset=utf-8` } });
}
