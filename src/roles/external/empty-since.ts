import type { ExternalService } from '../../core/object/external-service.ts';
import type { Clock } from '../../shell/system/clock.ts';

/** Remembers since when the status of each Service without a class has been seen empty. */
export interface EmptySince {
  readonly look: (services: Iterable<ExternalService>) => void;
  readonly seconds: (service: ExternalService) => number;
}

export function createEmptySince(clock: Clock): EmptySince {
  let since = new Map<string, number>();
  return {
    look: (services) => {
      const now = new Map<string, number>();
      for (const { uid, type, loadBalancerClass, status } of services)
        if (type === 'LoadBalancer' && loadBalancerClass === '' && status.length === 0) now.set(uid, since.get(uid) ?? clock.now());
      since = now;
    },
    seconds: ({ uid }) => (clock.now() - (since.get(uid) ?? clock.now())) / 1000,
  };
}
