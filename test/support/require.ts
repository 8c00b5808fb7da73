import { describe, test } from 'bun:test';

/** What a system test may need and a machine may lack. */
export type Requirement = 'cluster' | 'net' | 'proxy' | 'browser' | 'image';

/** Looks whether the machine has it: the reason why not, or `undefined`. */
export type Probe = () => string | undefined | Promise<string | undefined>;

/**
 * Returns a `describe` for tests that need something of the machine: `const suite = await requires('net', canMakeNamespaces)`. Where the
 * probe gives a reason, the suite is skipped and its title says why; named in `MINILB_TEST_REQUIRE` (a comma-separated list), it fails instead.
 */
export async function requires(kind: Requirement, probe: Probe): Promise<(title: string, body: () => void) => void> {
  const reason = await probe();
  if (reason === undefined) return (title, body) => describe(title, body);
  const required = (process.env['MINILB_TEST_REQUIRE'] ?? '').split(',').some((name) => name.trim() === kind);
  if (!required) {
    console.warn(`skipped (${kind}): ${reason}`);
    return (title, body) => describe.skip(`${title} [skipped: ${reason}]`, body);
  }
  return (title) =>
    describe(title, () => {
      test(`MINILB_TEST_REQUIRE names ${kind}, so this machine must have what it needs`, () => {
        throw new Error(reason);
      });
    });
}

/** A probe that asks for programs on the PATH. */
export function programs(...names: readonly string[]): Probe {
  return () => {
    const absent = names.filter((name) => !Bun.which(name));
    return absent.length === 0 ? undefined : `no ${absent.join(', ')} on this machine`;
  };
}
