import { describe, expect, test } from 'bun:test';
import { startEmbedded } from '../support/embedded.ts';
import { explainJob } from '../support/explain-job.ts';

describe('minilb explain before the embedded API server', () => {
  const { api, explain } = explainJob({ start: () => startEmbedded() });

  test('an API server that is away: 1, and one line', async () => {
    await api().stopApiServer();
    const { exitCode, stdout, stderr } = await explain('web.default.minilb');
    await api().startApiServer();
    expect(stderr).toStartWith(`minilb: Services cannot be listed: ${api().server}: `);
    expect({ exitCode, stdout, lines: stderr.trim().split('\n').length }).toEqual({ exitCode: 1, stdout: '', lines: 1 });
  });
});
