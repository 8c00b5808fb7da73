import type { ExitCode, RoleContext } from './role.ts';

export async function run(context: RoleContext<'version'>): Promise<ExitCode> {
  context.stdout(`minilb ${context.version} (Bun ${Bun.version}, ${process.platform} ${process.arch})\n`);
  return 0;
}
