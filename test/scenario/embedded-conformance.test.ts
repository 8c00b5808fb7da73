import { describe } from 'bun:test';
import { apiServerConformance } from '../support/conformance.ts';
import { startEmbedded } from '../support/embedded.ts';

describe('the embedded API server behaves as kube-apiserver does', () => apiServerConformance(() => startEmbedded()));
