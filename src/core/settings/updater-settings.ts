import { choice, cidrs, portRanges, wholeNumber, words } from './kinds.ts';
import { setting } from './setting.ts';

/** The settings of `minilb updater` alone; src/settings.ts holds them with the others. */
export const updaterSettings = {
  apiHost: setting(words('address'), {
    flag: 'api-host',
    env: ['HOST'],
    roles: ['updater'],
    default: '',
    help: 'The address the API, /healthz and /metrics are served on. Empty: every address of this host.',
  }),
  apiPort: setting(wholeNumber('port', 0, 65535), {
    flag: 'api-port',
    env: ['PORT'],
    roles: ['updater'],
    default: '3000',
    help: 'The port of the API.',
  }),
  proxy: setting(choice('nginx', 'haproxy'), {
    flag: 'proxy',
    roles: ['updater'],
    default: 'nginx',
    help: 'The program whose configuration is written.',
  }),
  proxyProgram: setting(words('file'), {
    flag: 'proxy-program',
    roles: ['updater'],
    default: '',
    help: "The proxy's program, which tests each configuration. Empty: nginx or haproxy on the PATH.",
  }),
  proxyConf: setting(words('file'), {
    flag: 'proxy-conf',
    roles: ['updater'],
    default: '',
    help: "The proxy's main configuration. Empty: /etc/nginx/nginx.conf or /etc/haproxy/haproxy.cfg.",
  }),
  proxyPid: setting(words('file'), {
    flag: 'proxy-pid',
    roles: ['updater'],
    default: '',
    help: 'Where the running proxy leaves its pid. Empty: what its main configuration says, else /run/nginx.pid or /run/haproxy.pid.',
  }),
  confFolder: setting(words('folder'), {
    flag: 'conf-folder',
    env: ['CONF_FOLDER_PATH'],
    roles: ['updater'],
    default: '',
    help: 'The folder with one file for each backend, which the proxy includes. Empty: /etc/nginx/streams.d or /etc/haproxy/minilb.d.',
  }),
  proxyTimeoutSeconds: setting(wholeNumber('seconds', 1, 604800), {
    flag: 'proxy-timeout',
    env: ['PROXY_TIMEOUT_SECONDS'],
    roles: ['updater'],
    default: '5',
    help: 'How long a connection may be idle before the proxy cuts it, where the call does not say.',
  }),
  proxyConnectTimeoutSeconds: setting(wholeNumber('seconds', 1, 604800), {
    flag: 'proxy-connect-timeout',
    env: ['PROXY_CONNECT_TIMEOUT_SECONDS'],
    roles: ['updater'],
    default: '2',
    help: 'How long the proxy tries to reach an upstream, where the call does not say.',
  }),
  tokenFile: setting(words('file'), {
    flag: 'token-file',
    roles: ['updater'],
    default: '',
    help: 'Who may call: one "name token" a line; each name owns what it writes. Read again when it changes. Empty: anybody who can connect.',
  }),
  tlsCert: setting(words('file'), {
    flag: 'tls-cert',
    roles: ['updater'],
    default: '',
    help: "The API's certificate, with those between it and its authority, as PEM. Empty: HTTP without TLS.",
  }),
  tlsKey: setting(words('file'), { flag: 'tls-key', roles: ['updater'], default: '', help: 'The key of -tls-cert, as PEM.' }),
  tlsClientCa: setting(words('file'), {
    flag: 'tls-client-ca',
    roles: ['updater'],
    default: '',
    help: 'Callers must show a certificate signed by this authority (mutual TLS).',
  }),
  allowPorts: setting(portRanges, {
    flag: 'allow-ports',
    roles: ['updater'],
    default: '1024-65535',
    help: "Ports that backends may have. The API's own port is never among them.",
  }),
  allowUpstreams: setting(cidrs, {
    flag: 'allow-upstreams',
    roles: ['updater'],
    default: '',
    help: 'Networks that upstream servers must lie in. Empty: anywhere, but never loopback or link-local without a token or client certificate.',
  }),
  appEnv: setting(words('name'), {
    flag: 'app-env',
    env: ['APP_ENV'],
    roles: ['updater'],
    default: '',
    help: 'The value development logs each step of a change, as nginx-lb-updater does.',
  }),
};
