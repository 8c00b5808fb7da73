import { claimFindings } from './claim-findings.ts';
import type { ClusterFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import type { MachineFacts } from './machine-facts.ts';
import { externalDnsFindings, gatewayFindings } from './other-findings.ts';
import { pathFindings } from './path-findings.ts';
import { permissionFindings } from './permissions.ts';
import { podFindings } from './pod-findings.ts';
import { resolverFindings } from './resolver-findings.ts';
import { routeFindings } from './route-findings.ts';
import { serviceFindings } from './service-findings.ts';

/** Everything that is to be said of the cluster itself. */
export function inspectCluster(facts: ClusterFacts): readonly Finding[] {
  return [
    ...permissionFindings(facts),
    ...podFindings(facts),
    ...routeFindings(facts),
    ...gatewayFindings(facts),
    ...serviceFindings(facts),
    ...claimFindings(facts),
    ...externalDnsFindings(facts),
  ];
}

/** Everything that is to be said of the way from this machine to the cluster's names and pods. */
export function inspectMachine(machine: MachineFacts, facts: ClusterFacts): readonly Finding[] {
  return [...resolverFindings(machine, facts), ...pathFindings(machine, facts)];
}
