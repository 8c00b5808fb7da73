import { cidrText } from '../value/ip.ts';
import { err, ok, type Result } from '../value/result.ts';
import type { ParsedFile, ParseErrorCode, ProxyAdapter } from './adapter.ts';
import { type Backend, hostPort } from './backend.ts';
import { readHaproxyBackend } from './haproxy-read.ts';
import { parseHeader, renderHeader, writtenBy } from './header.ts';
import { joinPath } from './path.ts';

/** HAProxy in master-worker mode; one listen section a backend, TCP only. The folder is one more `-f` of its command line. */
export const haproxy: ProxyAdapter = {
  name: 'haproxy',
  program: 'haproxy',
  processName: 'haproxy',
  folder: '/etc/haproxy/minilb.d',
  mainFile: '/etc/haproxy/haproxy.cfg',
  pidFile: '/run/haproxy.pid',
  suffix: '.cfg',
  reloadSignal: 'SIGUSR2',
  fit: fitHaproxy,
  render: renderHaproxy,
  parse: parseHaproxy,
  stageMain: (main) => ok({ text: main.text, pidFile: pidFileOf(main.text), logFile: undefined }),
  // -W as it runs: without it, a configuration in which nothing listens yet fails the test.
  testArguments: (stagedMain, stage) => ['-W', '-c', '-f', stagedMain, '-f', stage.folder],
  // The old worker was told to stop before the new one began.
  isRetired: () => true,
  logFault: () => undefined,
  commandLineFault,
};

function fitHaproxy(backend: Backend): Result<Backend, 'refused'> {
  return backend.protocol === 'UDP' ? err('refused', 'HAProxy does not forward UDP: use nginx for this port') : ok(backend);
}

function renderHaproxy(backend: Backend, families: readonly (4 | 6)[]): string {
  const header = renderHeader(backend);
  if (backend.upstreams.length === 0) return `${header.join('\n')}\n`;
  const { sourceRanges, healthCheckPort } = backend;
  const options = `${healthCheckPort === 0 ? '' : ` check port ${healthCheckPort} inter 5s`}${backend.proxyProtocol ? ' send-proxy' : ''}`;
  const lines = [
    ...header,
    `listen ${backend.name}`,
    '\tmode tcp',
    ...families.map((family) => (family === 4 ? `\tbind 0.0.0.0:${backend.port}` : `\tbind [::]:${backend.port} v6only`)),
    ...sourceRanges.map((range) => `\tacl minilb_source src ${cidrText(range)}`),
    ...(sourceRanges.length > 0 ? ['\ttcp-request connection reject if !minilb_source'] : []),
    `\ttimeout connect ${backend.connectTimeoutSeconds}s`,
    `\ttimeout client ${backend.timeoutSeconds}s`,
    `\ttimeout server ${backend.timeoutSeconds}s`,
    // A connection that an upstream refuses goes to another one.
    '\toption redispatch 1',
    ...(backend.sticky ? ['\tbalance source', '\thash-type consistent'] : ['\tbalance roundrobin']),
    ...(healthCheckPort === 0 ? [] : ['\toption httpchk']),
    ...backend.upstreams.map((upstream, i) => `\tserver s${i + 1} ${hostPort(upstream)}${options}`),
  ];
  return `${lines.join('\n')}\n`;
}

function parseHaproxy(text: string): Result<ParsedFile, ParseErrorCode> {
  if (writtenBy(text) !== 'minilb') return err('foreign');
  const header = parseHeader(text);
  return header ? readHaproxyBackend(text, header) : err('edited', 'its second line does not name the backend');
}

/** `pidfile` in the global section. */
function pidFileOf(main: string): string | undefined {
  return /^[ \t]+pidfile[ \t]+(\S+)/m.exec(main)?.[1];
}

function commandLineFault(argv: readonly string[], folders: readonly string[]): string | undefined {
  const files = argv.flatMap((word, i) => (argv[i - 1] === '-f' ? [joinPath('/', word)] : []));
  if (files.some((file) => folders.includes(file))) return undefined;
  return `the running HAProxy does not read ${folders[0]}: add "-f ${folders[0]}" to its command line, after its main configuration`;
}
