import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { ADAPTERS } from '../../src/core/proxy/adapters.ts';
import { sameBackend } from '../../src/core/proxy/backend.ts';
import { filesBelow } from '../../scripts/lib/test-tiers.ts';
import { GOLDEN_BACKENDS } from '../support/backends.ts';

// MINILB_GOLDEN=write renders the files anew; test/proxy/golden.test.ts has the real programs judge them.

const FOLDER = `${import.meta.dirname}/proxy`;

for (const adapter of Object.values(ADAPTERS)) {
  const served = GOLDEN_BACKENDS.flatMap((backend) => {
    const fitted = adapter.fit(backend);
    return fitted.ok ? [fitted.value] : [];
  });

  describe(`${adapter.name}: what is rendered is what the golden file holds, and is found again`, () => {
    test.each(served.map((backend) => [backend.name, backend] as const))('%s', (name, backend) => {
      const file = `${FOLDER}/${name}${adapter.suffix}`;
      const text = adapter.render(backend, [4, 6]);
      if (process.env['MINILB_GOLDEN'] === 'write') writeFileSync(file, text);
      expect(existsSync(file) && readFileSync(file, 'utf8')).toBe(text);
      const parsed = adapter.parse(text);
      if (!parsed.ok) throw new Error(parsed.detail);
      const idle = backend.upstreams.length === 0;
      expect(parsed.value.families).toEqual(idle ? [] : [4, 6]);
      const times = idle ? { timeoutSeconds: 0, connectTimeoutSeconds: 0 } : {};
      expect(sameBackend(parsed.value.backend, { ...backend, ...times })).toBe(true);
    });

    test('no golden file is left over', () => {
      const files = filesBelow(FOLDER, '.').filter((file) => file.endsWith(adapter.suffix));
      expect(files.length).toBe(served.length);
    });
  });
}
