/**
 * Fenced blocks of documentation that tests execute. What follows the language on the fence's line marks a block, and Markdown
 * does not show it:
 *
 * - ` ```sh run ` is executed from the root of the project; `exit=2` says which exit code it must have (0).
 * - ` ```text output ` after it is what it prints, standard error included; `…` in it stands for anything.
 * - Other marks (`cluster`, `demo`) are read by the tests of those names.
 * - ` ```conf dnsmasq ` holds lines for that program, see `configLines`.
 */
export interface DocBlock {
  readonly page: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** The word after `sh`. */
  readonly mark: string;
  readonly exitCode: number;
  readonly code: string;
  /** From the `output` block that follows. */
  readonly expected?: RegExp;
}

const FENCE = /^```(\S*)[ \t]*(.*)\n([\s\S]*?)^```[ \t]*$/gm;

/** The marked `sh` blocks of a page, in order. */
export function docBlocks(page: string, markdown: string): readonly DocBlock[] {
  const blocks: DocBlock[] = [];
  for (const match of markdown.matchAll(FENCE)) {
    const [, language = '', info = '', code = ''] = match;
    const words = info.split(/\s+/).filter((word) => word !== '');
    const last = blocks.at(-1);
    if (language === 'text' && words[0] === 'output') {
      if (!last || last.expected) throw new Error(`${page}: an output block without a command before it`);
      blocks[blocks.length - 1] = { ...last, expected: toPattern(code) };
    } else if (language === 'sh' && words[0] !== undefined) {
      const line = markdown.slice(0, match.index).split('\n').length;
      const exit = words.find((word) => word.startsWith('exit='));
      blocks.push({ page, line, mark: words[0], exitCode: Number(exit?.slice('exit='.length) ?? 0), code });
    }
  }
  return blocks;
}

/** The one fenced block of a page whose fence says `conf` and this word: lines for another program's configuration. */
export function configLines(markdown: string, program: string): string {
  const found = [...markdown.matchAll(FENCE)].filter(([, language, info]) => language === 'conf' && info === program);
  const [, , , lines] = found[0] ?? [];
  if (lines === undefined || found.length > 1) throw new Error(`${found.length} blocks of configuration for ${program}`);
  return lines;
}

function toPattern(text: string): RegExp {
  const escaped = text.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('…', '[\\s\\S]*?')}$`);
}

/** Runs a block with sh, which stops at the first failure; standard output and error come together, trimmed. */
export async function runBlock(
  block: DocBlock,
  root: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const child = Bun.spawn(['sh', '-eu', '-c', `exec 2>&1\n${block.code}`], {
    cwd: root,
    env: { ...asReader(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await new Response(child.stdout).text();
  return { exitCode: await child.exited, output: output.trim() };
}

/** A reader of the documentation has nothing of the tests' settings in the environment. */
function asReader(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('MINILB_') && name !== 'KUBECONFIG');
  return { ...Object.fromEntries(kept), NO_COLOR: '1' };
}
