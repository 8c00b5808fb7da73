import { existsSync, realpathSync } from 'node:fs';
import { ADAPTERS } from '../../core/proxy/adapters.ts';
import { joinPath } from '../../core/proxy/path.ts';
import { createConfFolder } from '../../shell/proxy/conf-folder.ts';
import type { ProxyHost } from '../../shell/proxy/go-live.ts';
import { createProcessRunner } from '../../shell/system/run-process.ts';
import type { RoleContext } from '../role.ts';

type HostContext = Pick<RoleContext<'updater'>, 'settings' | 'clock' | 'log'>;

/** The proxy on this host as the settings describe it. */
export function createProxyHost({ settings, clock, log }: HostContext): ProxyHost {
  const adapter = ADAPTERS[settings.proxy];
  const folder = absolute(settings.confFolder || adapter.folder);
  const real = existsSync(folder) ? realpathSync(folder) : folder;
  return {
    adapter,
    program: settings.proxyProgram || programOf(adapter.program),
    mainFile: absolute(settings.proxyConf || adapter.mainFile),
    pidFile: settings.proxyPid === '' ? '' : absolute(settings.proxyPid),
    folders: [...new Set([folder, real])],
    asRoot: process.getuid?.() === 0,
    files: createConfFolder(folder, adapter.suffix),
    run: createProcessRunner(clock),
    clock,
    log,
    step: (step) => (settings.appEnv === 'development' ? log.info('step', { step }) : log.debug('step', { step })),
  };
}

/** Not every user's PATH has /usr/sbin, where proxies are. */
function programOf(name: string): string {
  return Bun.which(name) ?? ['/usr/sbin', '/usr/local/sbin'].map((folder) => `${folder}/${name}`).find((path) => existsSync(path)) ?? name;
}

function absolute(path: string): string {
  return joinPath(process.cwd(), path);
}
