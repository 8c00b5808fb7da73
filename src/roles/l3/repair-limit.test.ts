import { expect, test } from 'bun:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { ip } from '../../../test/support/values.ts';
import type { NodeAddressPlan } from '../../core/plan/node-addresses.ts';
import { createRepairLimit } from './repair-limit.ts';

const plan = (over: Partial<NodeAddressPlan>): NodeAddressPlan => ({ add: [], adopt: [], remove: [], hold: [], notices: [], ...over });

test('drift is repaired at once, ten times a minute for an address and not more', async () => {
  const clock = createFakeClock();
  const limit = createRepairLimit(clock);
  const add = plan({ add: [ip('10.0.100.1')] });
  expect(limit.note(limit.limit(add))).toBe(0);
  for (let i = 0; i < 10; i++) expect(limit.note(limit.limit(add))).toBe(1);
  expect(limit.limit(add).add).toEqual([]);
  expect(limit.limit(plan({ add: [ip('10.0.100.2')] })).add).toHaveLength(1);
  await clock.advance(60_001);
  expect(limit.limit(add).add).toHaveLength(1);
});

test('an address that minilb itself took away and adds again is no repair', () => {
  const limit = createRepairLimit(createFakeClock());
  const add = plan({ add: [ip('10.0.100.1')] });
  limit.note(add);
  limit.note(plan({ remove: [ip('10.0.100.1')] }));
  expect(limit.note(add)).toBe(0);
});
