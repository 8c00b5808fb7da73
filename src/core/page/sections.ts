import type { SectionReport } from './api-schema.ts';

type Declared = Omit<SectionReport, 'revision'>;

const state = { key: 'detail', title: 'State', kind: 'state' } as const;
const PLAIN = { searchable: false, only: '', explained: false, note: '' } as const;

/** The parts of the page: what a role serves of them is told by its status. */
export const SECTIONS = {
  names: {
    ...PLAIN,
    id: 'names',
    title: 'Names',
    path: '/api/v1/names',
    empty: 'No name is answered.',
    columns: [
      { key: 'name', title: 'Name', kind: 'name' },
      state,
      { key: 'addresses', title: 'Addresses', kind: 'list' },
      { key: 'source', title: 'From', kind: 'text' },
    ],
    identity: ['name'],
    searchable: true,
    only: 'Only names without an address',
    explained: true,
  },
  claims: {
    ...PLAIN,
    id: 'claims',
    title: 'Claims',
    path: '/api/v1/claims',
    note: 'Hosts that Services, Ingresses and routes ask for, who has each, and who does not get it.',
    empty: 'Nothing claims a host.',
    columns: [
      { key: 'name', title: 'Host', kind: 'name' },
      { key: 'result', title: 'Result', kind: 'state' },
      { key: 'object', title: 'Claimed by', kind: 'text' },
      { key: 'detail', title: 'Why', kind: 'text' },
    ],
    identity: ['name', 'object'],
    searchable: true,
    only: 'Only hosts that somebody does not get',
    explained: true,
  },
  routes: {
    ...PLAIN,
    id: 'routes',
    title: 'Routes',
    path: '/api/v1/routes',
    note: 'Clients reach pods through these routes, on your router or on the clients themselves.',
    empty: 'The Nodes are not known, so there is nothing to say about routes.',
    columns: [
      { key: 'node', title: 'Node', kind: 'name' },
      { key: 'state', title: 'State', kind: 'state' },
      { key: 'network', title: 'Pods', kind: 'text' },
      { key: 'via', title: 'Next hop', kind: 'text' },
    ],
    identity: ['node', 'network'],
  },
  resolver: {
    ...PLAIN,
    id: 'resolver',
    title: 'Resolver',
    path: '/api/v1/resolver',
    note: 'Your resolver asks minilb for these names alone. Only this server is listed here: minilb resolver knows the others, too.',
    empty: 'Nothing is to be forwarded.',
    columns: [
      { key: 'name', title: 'Name', kind: 'name' },
      { key: 'state', title: 'Because', kind: 'state' },
    ],
    identity: ['name'],
  },
  forwarder: {
    ...PLAIN,
    id: 'forwarder',
    title: 'Forwarder',
    path: '/api/v1/forwarder',
    note: 'Names that are not ours are asked of these.',
    empty: 'There is no -upstream: names that are not ours are refused.',
    columns: [
      { key: 'upstream', title: 'Upstream', kind: 'name' },
      state,
      { key: 'answers', title: 'Answers', kind: 'text' },
      { key: 'failures', title: 'Failures', kind: 'text' },
      { key: 'silences', title: 'Silences', kind: 'text' },
    ],
    identity: ['upstream'],
  },
  addresses: {
    ...PLAIN,
    id: 'addresses',
    title: 'Addresses',
    path: '/api/v1/addresses',
    note: 'Addresses of Services, and whether this node holds them for its BGP daemon.',
    empty: 'No Service has an address in the prefixes.',
    columns: [
      { key: 'address', title: 'Address', kind: 'name' },
      { key: 'state', title: 'Here', kind: 'state' },
      { key: 'service', title: 'Service', kind: 'text' },
      { key: 'detail', title: 'Why', kind: 'text' },
    ],
    identity: ['address', 'service'],
    searchable: true,
    only: 'Only what is not as it should be',
  },
  balancers: {
    ...PLAIN,
    id: 'balancers',
    title: 'Load balancers',
    path: '/api/v1/balancers',
    note: 'What the operator that leads has programmed into proxies outside the cluster.',
    empty: 'No LoadBalancer: no Service is by proxy, or another operator leads.',
    columns: [
      { key: 'service', title: 'Service', kind: 'name' },
      { key: 'state', title: 'State', kind: 'state' },
      { key: 'host', title: 'Address', kind: 'text' },
      { key: 'ports', title: 'Ports', kind: 'list' },
      { key: 'detail', title: 'Why', kind: 'text' },
    ],
    identity: ['service'],
    searchable: true,
    only: 'Only what is not ready',
  },
} as const satisfies Readonly<Record<string, Declared>>;
