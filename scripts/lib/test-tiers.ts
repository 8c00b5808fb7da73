import { readdirSync } from 'node:fs';

/** Where the test files of each tier lie; `npm test` needs Node and npm only, `npm run test:system` the real programs. */
export const TIERS = {
  unit: ['src', 'scripts', 'test/scenario', 'test/rfc', 'test/fuzz', 'test/golden', 'test/support'],
  system: ['test/cluster', 'test/net', 'test/proxy', 'test/browser', 'test/image'],
} as const;

export type Tier = keyof typeof TIERS;

/** The test files of a tier on disk, sorted; files right below `test/` are unit tests. */
export function testFilesOf(tier: Tier, root: string): readonly string[] {
  const all = allTestFiles(root);
  return all.filter((file) => {
    const inTier = TIERS[tier].some((folder) => file.startsWith(`${folder}/`));
    return inTier || (tier === 'unit' && /^test\/[^/]+$/.test(file));
  });
}

/** Every `*.test.ts` of the project. */
export function allTestFiles(root: string): readonly string[] {
  const folders = ['src', 'scripts', 'test', 'bench'];
  return folders.flatMap((folder) => filesBelow(root, folder)).filter((file) => file.endsWith('.test.ts'));
}

/** Paths relative to `root`, sorted; a folder that is not there has no files. */
export function filesBelow(root: string, folder: string): readonly string[] {
  try {
    const entries = readdirSync(`${root}/${folder}`, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.length + 1))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
