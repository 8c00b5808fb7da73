import { hostname } from 'node:os';
import type { Service } from '../../core/object/service.ts';
import type { Notice } from '../../core/value/notice.ts';
import type { KubeClient } from '../../shell/kube/client.ts';
import { createEventRecorder } from '../../shell/kube/events.ts';
import type { Metrics } from '../../shell/telemetry/metrics.ts';
import type { RoleContext } from '../role.ts';
import { createStatusController } from './status-controller.ts';

export interface StatusWriterOptions {
  readonly context: RoleContext<'dns'>;
  readonly client: KubeClient;
  readonly metrics: Metrics;
  readonly notice: (notice: Notice) => void;
  readonly services: (key: string) => Service | undefined;
}

export interface StatusWriter {
  readonly changed: (key: string) => void;
  /** Writes an Event about the notice's object. */
  readonly emit: (notice: Notice) => void;
  readonly closed: Promise<unknown>;
}

/** The writing half of the DNS role (`-controller`): status of our Services, and Events where a user should act. */
export function createStatusWriter(options: StatusWriterOptions, signal: AbortSignal): StatusWriter {
  const { client, metrics, context } = options;
  const { settings, clock, random, log } = context;
  const events = createEventRecorder({ client, role: 'dns', instance: settings.serverId || hostname(), clock, log }, signal);
  const controller = createStatusController(
    {
      client,
      service: options.services,
      loadBalancerClass: settings.loadBalancerClass,
      domain: settings.domain,
      clock,
      random,
      log,
      notice: (notice) => {
        options.notice(notice);
        events.emit(notice);
      },
      observer: (result) => metrics.inc('statusWrites', { result }),
    },
    signal,
  );
  return {
    changed: controller.changed,
    emit: events.emit,
    closed: Promise.all([events.closed, controller.closed]),
  };
}
