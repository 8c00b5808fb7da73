import { describe } from 'bun:test';
import { lookup } from '../support/dns-client.ts';
import { startEmbedded } from '../support/embedded.ts';
import { mainJob } from '../support/main-job.ts';

describe('minilb dns before the embedded API server', () => mainJob({ start: () => startEmbedded(), lookup, slow: false }));
