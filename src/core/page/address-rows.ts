import type { AnnouncementPlan } from '../plan/announcements.ts';
import { type AddressNotice, type HeldAddress, MARK_METRIC } from '../plan/node-addresses.ts';
import type { Ip } from '../value/ip.ts';
import type { AddressRow } from './api-schema.ts';

/** What a node knows after it has compared what it holds with what it is to hold. */
export interface NodeView {
  readonly plan: AnnouncementPlan;
  readonly held: readonly HeldAddress[];
  readonly interface: string;
  readonly notices: readonly AddressNotice[];
}

/** The addresses of Services as one node sees them, and those that are there and not minilb's. */
export function addressRows({ plan, held, interface: name, notices }: NodeView): readonly AddressRow[] {
  const marked = new Set(held.filter((one) => one.interface === name && one.metric === MARK_METRIC).map((one) => one.ip));
  const services = plan.reports.map(({ service, ip, kind, reason }): AddressRow => {
    const detail = reason === 'node-excluded' ? `${reason}: ${plan.eligibility.reason}` : reason;
    return { address: ip, service, ...stateOf(ip, kind, marked), detail };
  });
  const foreign = notices.map(
    ({ ip, text }): AddressRow => ({ address: ip, service: '', state: 'foreign', level: 'trouble', detail: text }),
  );
  return [...services, ...foreign];
}

function stateOf(ip: Ip, kind: 'announce' | 'withdraw' | 'keep', marked: ReadonlySet<Ip>): Pick<AddressRow, 'state' | 'level'> {
  if (marked.has(ip)) return kind === 'withdraw' ? { state: 'leaving', level: 'notice' } : { state: 'held', level: 'good' };
  return kind === 'announce' ? { state: 'missing', level: 'trouble' } : { state: 'elsewhere', level: 'none' };
}
