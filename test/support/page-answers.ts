import { ENDPOINTS } from '../../src/core/page/api-schema.ts';
import { faultsOf } from '../../src/core/page/shape.ts';

/** The paths that a role's page answers, and where an answer is not as docs/api.md says, a line each. */
export function pagePaths(role: string): readonly string[] {
  return Object.entries(ENDPOINTS).flatMap(([path, { roles }]) => (roles.includes(role) ? [path] : []));
}

export function pageFaults(path: string, value: unknown): readonly string[] {
  const endpoint = ENDPOINTS[path];
  return endpoint ? faultsOf(endpoint.answer, value) : [`${path} is not documented`];
}
