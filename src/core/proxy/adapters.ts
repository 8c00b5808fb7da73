import type { ProxyAdapter } from './adapter.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';

/** Every proxy the updater can write for. */
export const ADAPTERS: Readonly<Record<'nginx' | 'haproxy', ProxyAdapter>> = { nginx, haproxy };
