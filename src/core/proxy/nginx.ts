import { cidrText } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import type { MainConfig, ParsedFile, ParseErrorCode, ProxyAdapter, StagedMain, StagePaths } from './adapter.ts';
import { type Backend, hostPort } from './backend.ts';
import { parseHeader, renderHeader, writtenBy } from './header.ts';
import { readNginxBackend } from './nginx-read.ts';
import { type Directive, parseNginxText } from './nginx-text.ts';
import { joinPath, matchesFolder } from './path.ts';

/** nginx with its stream module; one upstream and one server block a backend. */
export const nginx: ProxyAdapter = {
  name: 'nginx',
  program: 'nginx',
  processName: 'nginx',
  folder: '/etc/nginx/streams.d',
  mainFile: '/etc/nginx/nginx.conf',
  pidFile: '/run/nginx.pid',
  suffix: '.conf',
  reloadSignal: 'SIGHUP',
  fit: fitNginx,
  render: renderNginx,
  parse: parseNginx,
  stageMain: stageNginxMain,
  testArguments: (stagedMain) => ['-t', '-q', '-c', stagedMain],
  // The master tells old workers 100 ms after it started new ones; until then they accept connections and use the old configuration.
  isRetired: (title) => title.includes('is shutting down'),
  logFault: findLogFault,
  commandLineFault: () => undefined,
};

/** Only nginx's commercial edition asks upstreams for their health; the free one notices when a connection fails. */
function fitNginx(backend: Backend): Result<Backend, 'refused'> {
  if (backend.proxyProtocol && backend.protocol === 'UDP') return err('refused', 'the PROXY protocol goes with TCP only');
  return ok({ ...backend, healthCheckPort: 0 });
}

function renderNginx(backend: Backend, families: readonly (4 | 6)[]): string {
  const header = renderHeader(backend);
  if (backend.upstreams.length === 0) return `${header.join('\n')}\n`;
  // Without reuseport the datagrams of one client meet any worker, and each worker makes a session of its own.
  const options = backend.protocol === 'UDP' ? ' udp reuseport' : '';
  const ranges = backend.sourceRanges.map((range) => `\tallow ${cidrText(range)};`);
  const lines = [
    ...header,
    `upstream ${backend.name} {`,
    ...(backend.sticky ? ['\thash $remote_addr consistent;'] : []),
    ...backend.upstreams.map((upstream) => `\tserver ${hostPort(upstream)};`),
    '}',
    '',
    'server {',
    ...families.map((family) => `\tlisten ${family === 4 ? '' : '[::]:'}${backend.port}${options};`),
    ...(ranges.length > 0 ? [...ranges, '\tdeny all;'] : []),
    `\tproxy_pass ${backend.name};`,
    `\tproxy_timeout ${backend.timeoutSeconds}s;`,
    `\tproxy_connect_timeout ${backend.connectTimeoutSeconds}s;`,
    ...(backend.proxyProtocol ? ['\tproxy_protocol on;'] : []),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function parseNginx(text: string): Result<ParsedFile, ParseErrorCode> {
  const writer = writtenBy(text);
  if (!writer) return err('foreign');
  const header = parseHeader(text);
  if (writer === 'minilb' && !header) return err('edited', 'its second line does not name the backend');
  const directives = parseNginxText(text);
  if (!directives.ok) return err('edited', directives.detail);
  return readNginxBackend(directives.value, writer === 'minilb' ? header : undefined);
}

/** Blocks with certificates' keys and logs of their own. A fault in them still keeps a reload from being taken, and is then rolled back. */
const ONLY_AS_ROOT = ['http', 'mail'];

/** The copy reads the staged folder, leaves the running program's pid file alone, and logs to standard error. */
function stageNginxMain(main: MainConfig, stage: StagePaths): Result<StagedMain, 'no-include' | 'bad-main'> {
  const parsed = parseNginxText(main.text);
  if (!parsed.ok) return err('bad-main', `${main.mainFile}: ${parsed.detail}`);
  const confFolder = main.mainFile.slice(0, main.mainFile.lastIndexOf('/')) || '/';
  const includes = parsed.value
    .filter((directive) => directive.words[0] === 'stream')
    .flatMap((stream) => stream.block ?? [])
    .filter((each) => each.words[0] === 'include' && matchesFolder(joinPath(confFolder, each.words[1] ?? ''), main.folders, nginx.suffix));
  const folder = main.folders[0] ?? '';
  if (includes.length === 0) return err('no-include', `${main.mainFile} lacks the line: stream { include ${folder}/*${nginx.suffix}; }`);
  if (includes.length > 1) return err('no-include', `${main.mainFile} includes ${folder} more than once`);
  const pid = lastOf(parsed.value, 'pid');
  const log = lastOf(parsed.value, 'error_log');
  const edits: (readonly [Directive, string])[] = [];
  for (const include of includes) edits.push([include, `include ${stage.folder}/*${nginx.suffix};`]);
  for (const each of parsed.value) {
    if (each.words[0] === 'pid') edits.push([each, '']);
    if (each.words[0] === 'error_log') edits.push([each, '']);
    if (!main.asRoot && ONLY_AS_ROOT.includes(each.words[0] ?? '')) edits.push([each, newlinesOf(main.text.slice(each.start, each.end))]);
  }
  return ok({
    // On the first line, so that the program's words name the lines of the original.
    text: `pid ${stage.pidFile}; error_log stderr; ${replaceAll(main.text, edits)}`,
    pidFile: pid?.words[1],
    logFile: log?.words[1],
  });
}

/** nginx tries to bind five times within 2.5 s and is deaf to signals meanwhile: only its last word on that counts. */
function findLogFault(log: string): string | undefined {
  const grave = log.split('\n').filter((line) => line.includes('[emerg]'));
  const final = log.includes('still could not bind()') || grave.some((line) => !line.includes(' bind() to '));
  return final ? grave[0] : undefined;
}

function newlinesOf(text: string): string {
  return '\n'.repeat(text.split('\n').length - 1);
}

function lastOf(directives: readonly Directive[], word: string): Directive | undefined {
  return directives.findLast((directive) => directive.words[0] === word);
}

function replaceAll(text: string, edits: readonly (readonly [Directive, string])[]): string {
  return [...edits]
    .sort(([a], [b]) => b.start - a.start)
    .reduce((edited, [{ start, end }, replacement]) => edited.slice(0, start) + replacement + edited.slice(end), text);
}
