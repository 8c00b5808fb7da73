/** Joins and tidies absolute paths as text: `.`, `..` and doubled slashes go. */
export function joinPath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Whether a pattern of files, made absolute, is all of the folder's files with this suffix: `folder/*` or `folder/*.conf`. */
export function matchesFolder(pattern: string, folders: readonly string[], suffix: string): boolean {
  return folders.some((folder) => pattern === joinPath(folder, '*') || pattern === joinPath(folder, `*${suffix}`));
}
