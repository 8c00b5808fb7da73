import { readFileSync } from 'node:fs';
import { ownQuestion } from '../../core/forward/question.ts';
import { foreignPrimary, resolversIn } from '../../core/forward/real-zone.ts';
import type { ServerAddress } from '../../core/settings/kinds.ts';
import { nameToWire } from '../../core/value/dns-name.ts';
import type { Notice, ObjectRef } from '../../core/value/notice.ts';
import { TYPE } from '../../core/wire/message.ts';
import type { Zone } from '../../core/zone/zone.ts';
import { askUpstream } from '../../shell/dns/upstream-exchange.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { IN_CLUSTER } from '../../shell/kube/load-credentials.ts';
import { withTimeout } from '../../shell/system/clock.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import type { RoleContext } from '../role.ts';

const CHECK_EVERY_MS = 3_600_000;
const ANSWER_MS_MAX = 5_000;
const RESOLV_CONF = '/etc/resolv.conf';

export interface RealZoneOptions {
  readonly zone: Zone;
  readonly metrics: Metrics;
  /** The Pod that this runs in; absent outside a cluster, where there is no object to write an Event about. */
  readonly pod: ObjectRef | undefined;
  readonly emit: (notice: Notice) => void;
}

/** The Pod that this runs in, as POD_NAME of the manifest names it. */
export function ownPod({ context, namespace }: Pick<KubeClient, 'context' | 'namespace'>, name: string): ObjectRef | undefined {
  return context === IN_CLUSTER && name !== '' ? { apiVersion: 'v1', kind: 'Pod', namespace, name, uid: '' } : undefined;
}

/**
 * Asks at once and then hourly, upstream or else the system's resolver, whether `-domain` is somebody's real zone, and warns when it is:
 * www and mail there no longer exist for those who ask minilb. Says so again only after it has changed.
 */
export function checkRealZone(
  context: Pick<RoleContext<'dns'>, 'settings' | 'clock' | 'log'>,
  { zone, metrics, pod, emit }: RealZoneOptions,
  signal: AbortSignal,
): Promise<void> {
  const { settings, clock, log } = context;
  const question = ownQuestion(nameToWire(settings.domain), TYPE.SOA);
  let said = '';

  const ask = async (server: ServerAddress) => {
    const limit = withTimeout(clock, ANSWER_MS_MAX, signal);
    try {
      return await askUpstream(server, question, { ignored: () => {}, tcp: () => {} }, limit.signal);
    } finally {
      limit.done();
    }
  };
  const look = async (): Promise<void> => {
    for (const server of settings.upstreams.length > 0 ? settings.upstreams : systemResolvers()) {
      const outcome = await ask(server);
      if (outcome.kind !== 'answer') continue;
      const primary =
        foreignPrimary(
          outcome.answer,
          zone.nameservers().map((each) => each.name),
        ) ?? '';
      if (primary !== '' && primary !== said) warn(primary, server.ip);
      said = primary;
      return;
    }
  };
  const warn = (primary: string, resolver: string): void => {
    metrics.inc('notices', { code: 'DomainIsRealZone' });
    const through = settings.upstreams.length > 0 && settings.fallthrough;
    const consequence = through
      ? 'names there that minilb does not have are forwarded, but its apex is answered here'
      : 'its other names (www, mail) do not exist for those who ask minilb; use a subdomain, or -upstream with -fallthrough';
    const text = `-domain ${settings.domain} is a real zone of somebody else: ${consequence}`;
    log.warn(text, { primary, resolver });
    if (pod) emit({ object: pod, code: 'DomainIsRealZone', text: `${text}. Its server is ${primary}, says ${resolver}.` });
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await look();
      await clock.after(CHECK_EVERY_MS, signal);
    }
  };
  return run();
}

function systemResolvers(): readonly ServerAddress[] {
  try {
    return resolversIn(readFileSync(RESOLV_CONF, 'utf8'));
  } catch {
    // A system without the file has no resolver to ask.
    return [];
  }
}
