import { choice, describeShape, flag, list, number, object, type Shape, text, time, type ValueOf } from './shape.ts';

const LEVEL = choice(['good', 'notice', 'trouble', 'none'], 'How it is: `trouble` is for somebody to look at.');

const COLUMN = object({
  key: text('The field of a row.'),
  title: text('The heading.'),
  kind: choice(['name', 'text', 'list', 'state'], 'How it is shown; `state` is coloured by the row’s `level`.'),
});

const SECTION = object({
  id: text('`names`, `claims`, …'),
  title: text('The heading.'),
  path: text('Where its rows are.'),
  note: text('A sentence about it; may be empty.'),
  empty: text('What to say when there are no rows.'),
  columns: list(COLUMN, 'The fields that are shown, in order.'),
  identity: list(text(''), 'The fields that tell one row from another.'),
  searchable: flag('`q`, `after` and `limit` mean something.'),
  only: text('What `only=trouble` leaves, in words; empty where there is no such choice.'),
  explained: flag('`/api/v1/names/` and the first column say more about a row.'),
  revision: text('Another one means that rows may have changed; empty: ask again.'),
});

/** GET /api/v1/status. */
export const STATUS = object({
  version: text('The version of minilb.'),
  role: text('`dns`, `l3`, …'),
  instance: text('The name of this server: `-server-id`, or the host’s.'),
  subject: text('What it is about: the zone, the node.'),
  cluster: text('The API server.'),
  now: time('The server’s clock.'),
  startedAt: time('When the process started.'),
  synced: object(
    {
      done: flag('The cluster has been read in full once. It stays true in an outage.'),
      at: time('Since when.'),
      waiting: list(text(''), 'What is still waited for.'),
    },
    'Whether it knows the cluster.',
  ),
  api: object(
    {
      answers: flag('False while a kind that was known cannot be watched: what is known then stays.'),
      heardAt: time('When the API server was last heard, on the watch that has been silent longest.'),
      detail: text('Why not; empty while it answers.'),
    },
    'The API server, as seen from here.',
  ),
  kinds: list(
    object({
      kind: text('`Service`, …'),
      objects: number('Objects known.'),
      synced: flag('Listed in full once.'),
      watching: flag('The watch is open.'),
      heardAt: time('When the API server was last heard on it.'),
      error: text('Why it is not watched; empty when it is.'),
    }),
    'What is watched.',
  ),
  facts: list(object({ label: text('What it is.'), value: text('The value, ready to read.') }), 'A few figures for the head of the page.'),
  sections: list(SECTION, 'What else there is to see.'),
});

const NAME_ROW = object({
  name: text('The owner name; `*.` before it for a wildcard.'),
  state: choice(
    ['ready', 'partly-ready', 'draining', 'not-ready', 'no-endpoints', 'addresses', 'no-address', 'alias', 'zone'],
    '`draining`: only pods that are going away still serve. `addresses`: what it leads to has some. `zone`: a name of the zone itself.',
  ),
  detail: text('The same in words: `2 of 3 endpoints ready`.'),
  level: LEVEL,
  addresses: list(text(''), 'The first 16 of what is answered, sorted as text.'),
  addressCount: number('How many there are.'),
  ready: number('Ready endpoints of the Service; 0 for other names.'),
  notReady: number('Endpoints of the Service that are not ready; 0 for other names.'),
  source: text('The object that the name comes from: `Service default/web`.'),
});

const CLAIM_ROW = object({
  name: text('The host that is claimed.'),
  object: text('Who claims it: `Ingress team-a/web`.'),
  result: choice(['owner', 'lost', 'refused'], 'What became of it.'),
  detail: text('Why, and who has it instead; for an owner where it leads.'),
  level: LEVEL,
});

const ROUTE_ROW = object({
  node: text('The Node.'),
  network: text('A podCIDR of it; empty when it has none.'),
  via: text('The next hop; empty when there is none.'),
  state: text('`route`, or why there is none.'),
  level: LEVEL,
});

const RESOLVER_ROW = object({
  name: text('What the resolver is to ask minilb for, with everything below it.'),
  state: text('Why.'),
  level: LEVEL,
});

const FORWARDER_ROW = object({
  upstream: text('One of `-upstream`.'),
  state: choice(
    ['answers', 'rests', 'loops', 'unasked'],
    '`rests`: silent, so tried after the others. `loops`: it sends our queries back, and is not used.',
  ),
  detail: text('The same in words.'),
  level: LEVEL,
  answers: number('Answers so far.'),
  failures: number('SERVFAIL and the like so far.'),
  silences: number('Time-outs and refused connections so far.'),
});

const ADDRESS_ROW = object({
  address: text('An address of a Service.'),
  service: text('The Service, `namespace/name`; empty for an address that is not minilb’s.'),
  state: choice(
    ['held', 'missing', 'leaving', 'elsewhere', 'foreign'],
    '`missing`: to be added here. `leaving`: to be removed. `elsewhere`: other nodes hold it. `foreign`: here, but not minilb’s, and left alone.',
  ),
  detail: text('Why.'),
  level: LEVEL,
});

const BALANCER_ROW = object({
  service: text('The Service, `namespace/name`.'),
  state: choice(['ready', 'pending', 'leaving'], '`leaving`: its backends are being taken away.'),
  host: text('What clients connect to.'),
  ports: list(text(''), 'The load balancer’s ports: `443/TCP`.'),
  targets: number('Node ports that it sends to.'),
  config: text('The LoadBalancerConfig.'),
  detail: text('What its conditions say, where it is not ready.'),
  level: LEVEL,
});

/** What each list answers; `texts` are whole blocks to copy. */
function listOf<const S extends Shape>(row: S) {
  return object({
    items: list(row, 'The rows, sorted.'),
    matched: number('How many rows there are in all, with this search.'),
    next: text('The value of `after` for the next page; empty on the last.'),
    texts: list(object({ title: text('What it is for.'), text: text('Lines to copy.') }), 'Blocks to copy; mostly none.'),
  });
}

const NOTE = object({
  code: text('Stable, for programs.'),
  level: choice(['fact', 'trouble'], '`trouble`: somebody should do something about it.'),
  text: text('A sentence.'),
});

/** GET /api/v1/names/{name}; `minilb explain -o json` adds `source`. */
export const NAME_REPORT = object({
  name: text('The name, folded.'),
  domain: text('The zone of the server that answered.'),
  found: flag('Some query gets records, or is another server’s to answer.'),
  summary: text('One sentence.'),
  answers: list(
    object({
      name: text('The name asked for.'),
      type: text('`A`, `AAAA`, `SRV`, …'),
      outcome: text('`answer`, `forwarded`, `NODATA` or another RCODE.'),
      records: list(text(''), '`type data` each, sorted.'),
    }),
    'What queries get.',
  ),
  notes: list(NOTE, 'Why, the most important first.'),
});

export type StatusReport = ValueOf<typeof STATUS>;
export type SectionReport = ValueOf<typeof SECTION>;
export type Level = ValueOf<typeof LEVEL>;
export type NameRow = ValueOf<typeof NAME_ROW>;
export type ClaimRow = ValueOf<typeof CLAIM_ROW>;
export type RouteRow = ValueOf<typeof ROUTE_ROW>;
export type ResolverRow = ValueOf<typeof RESOLVER_ROW>;
export type BalancerRow = ValueOf<typeof BALANCER_ROW>;
export type ForwarderRow = ValueOf<typeof FORWARDER_ROW>;
export type AddressRow = ValueOf<typeof ADDRESS_ROW>;
/** A row of any list. */
export type Row = Readonly<Record<string, string | number | readonly string[]>>;
export type ListReport<R extends Row = Row> = Omit<ValueOf<ReturnType<typeof listOf>>, 'items'> & { readonly items: readonly R[] };

interface Endpoint {
  readonly roles: readonly string[];
  readonly summary: string;
  readonly answer: Shape;
  /** Takes `q`, `after`, `limit` and `only`. */
  readonly paged?: true;
}

/** Everything that `-page` serves below /api/v1/, by path. */
export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/api/v1/status': { roles: ['dns', 'l3', 'external'], summary: 'How it is, and what else there is to ask.', answer: STATUS },
  '/api/v1/names': { roles: ['dns'], summary: 'The names that are answered.', answer: listOf(NAME_ROW), paged: true },
  '/api/v1/names/{name}': {
    roles: ['dns'],
    summary: 'Why a name has these addresses, or none. Any name may be asked for.',
    answer: NAME_REPORT,
  },
  '/api/v1/claims': { roles: ['dns'], summary: 'Who claims which host, who has it, and who lost.', answer: listOf(CLAIM_ROW), paged: true },
  '/api/v1/routes': { roles: ['dns'], summary: 'The routes for your router.', answer: listOf(ROUTE_ROW) },
  '/api/v1/resolver': {
    roles: ['dns'],
    summary: 'What your resolver must be told, as `minilb resolver` prints it.',
    answer: listOf(RESOLVER_ROW),
  },
  '/api/v1/forwarder': { roles: ['dns'], summary: 'The upstreams of `-upstream` and how they are.', answer: listOf(FORWARDER_ROW) },
  '/api/v1/addresses': {
    roles: ['l3'],
    summary: 'The addresses of Services, as this node sees them.',
    answer: listOf(ADDRESS_ROW),
    paged: true,
  },
  '/api/v1/balancers': {
    roles: ['external'],
    summary: 'The LoadBalancers that this operator programs, while it leads.',
    answer: listOf(BALANCER_ROW),
    paged: true,
  },
};

/** docs/api.md. */
export function renderApiPage(): string {
  const parts = Object.entries(ENDPOINTS).map(([path, { roles, summary, answer, paged }]) =>
    [
      `## GET ${path}`,
      '',
      `${summary} Served by ${roles.map((role) => `\`minilb ${role}\``).join(', ')}.${paged ? ' Takes `q`, `only`, `after` and `limit`.' : ''}`,
      '',
      '| field | type | meaning |',
      '|---|---|---|',
      ...describeShape(answer).map(([field, kind, means]) => `| \`${field}\` | ${kind} | ${means} |`),
      '',
    ].join('\n'),
  );
  return [
    '# The HTTP API of the status page',
    '',
    '<!-- Written by `npm run docs` from src/core/page/api-schema.ts. -->',
    '',
    'Served on `-page`, beside the page itself. GET and HEAD only; nothing can be changed here. The `Host` header must be an address or',
    '`localhost` (against DNS rebinding), anything else gets 403. Answers are JSON that nobody may keep, errors one line of text. Texts',
    'come from the cluster’s users: treat them as data. Times are RFC 3339 in UTC. Within `v1` fields are added, and none is taken away.',
    '',
    'Lists come in pages:',
    '',
    '| parameter | meaning |',
    '|---|---|',
    '| `q` | Only rows whose name (address, Service) holds this text, or, of names, that answer this whole IP address. At most 255 characters. |',
    '| `only=trouble` | Only rows that somebody should look at. |',
    '| `limit` | Rows in one answer, 1 to 100; 50 unless told otherwise. |',
    '| `after` | Where the last answer ended: its `next`. |',
    '',
    'Other parameters get 400. What would keep the server busy is done piece by piece between queries, a few at a time; more get 503 with',
    '`Retry-After`.',
    '',
    ...parts,
  ].join('\n');
}
