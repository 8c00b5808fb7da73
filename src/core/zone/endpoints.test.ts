import { describe, expect, test } from 'bun:test';
import { type EndpointState, endpoint, slice } from '../../../test/support/values.ts';
import { usableEndpoints } from './endpoints.ts';

type Row = readonly [name: string, slices: readonly (readonly [address: string, state: EndpointState][])[], usable: readonly string[]];

const rows: readonly Row[] = [
  ['ready ones are usable', [[['10.0.0.1', 'ready']]], ['10.0.0.1']],
  ['not ready ones are not', [[['10.0.0.1', 'not ready']]], []],
  [
    'a draining one leaves while another is ready',
    [
      [
        ['10.0.0.1', 'serving terminating'],
        ['10.0.0.2', 'ready'],
      ],
    ],
    ['10.0.0.2'],
  ],
  [
    'the last that still serves stays (kube-proxy, KEP-1669)',
    [
      [
        ['10.0.0.1', 'serving terminating'],
        ['10.0.0.2', 'not ready'],
      ],
    ],
    ['10.0.0.1'],
  ],
  ['one that stopped serving is gone', [[['10.0.0.1', 'terminating']]], []],
  [
    'ready anywhere ends the drain everywhere: all slices count',
    [[['10.0.0.1', 'serving terminating']], [['10.0.0.2', 'ready']]],
    ['10.0.0.2'],
  ],
  ['an address in two slices counts once', [[['10.0.0.1', 'ready']], [['10.0.0.1', 'ready']]], ['10.0.0.1']],
  ['an address is ready when any slice says so', [[['10.0.0.1', 'not ready']], [['10.0.0.1', 'ready']]], ['10.0.0.1']],
  ['both families are kept', [[['10.0.0.1', 'ready']], [['fd00::1', 'ready']]], ['10.0.0.1', 'fd00::1']],
  ['no slices, no endpoints', [], []],
];

describe('usable endpoints', () => {
  test.each(rows)('%s', (_, lists, usable) => {
    const slices = lists.map((list, n) =>
      slice(
        'default/web',
        `web-${n}`,
        list.map(([address, state]) => endpoint(address, state)),
      ),
    );
    expect(
      usableEndpoints(slices)
        .map((each) => String(each.address))
        .sort(),
    ).toEqual([...usable]);
  });
});
