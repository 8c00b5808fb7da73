import type { LoadBalancer } from '../object/load-balancer.ts';
import { keyOf } from '../object/raw.ts';
import type { BalancerRow } from './api-schema.ts';

/** The LoadBalancers as the page lists them. */
export function balancerRows(balancers: Iterable<LoadBalancer>): readonly BalancerRow[] {
  return [...balancers].map((one) => {
    const ports = one.ports ?? (one.port > 0 ? [one] : []);
    return {
      service: keyOf(one),
      ...stateOf(one),
      host: one.host,
      ports: ports.map(({ port, protocol }) => `${port}/${protocol}`),
      targets: one.targets.length,
      config: one.configName,
    };
  });
}

function stateOf({ deletedAt, phase, conditions }: LoadBalancer): Pick<BalancerRow, 'state' | 'detail' | 'level'> {
  const why = conditions.filter(({ status, message }) => status === 'False' && message !== '').map(({ message }) => message);
  const detail = why.join('; ');
  if (deletedAt !== '') return { state: 'leaving', detail, level: 'notice' };
  return phase === 'READY' ? { state: 'ready', detail, level: 'good' } : { state: 'pending', detail, level: 'trouble' };
}
