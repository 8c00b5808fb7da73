import type { SoundRoute } from '../plan/held-routes.ts';
import type { RoutePlan } from '../plan/routes.ts';
import { cidrText, ipFamily } from '../value/ip.ts';

/** The plan for programs: `routes`, what was `refused` and why, and the rules for a Linux router as text. */
export function renderRoutesJson(
  plan: RoutePlan,
  routes: readonly SoundRoute[],
  rules: { readonly firewall: readonly string[]; readonly asymmetric: readonly string[] },
): string {
  const report = {
    routes: routes.map(({ cidr, via }) => ({ destination: cidrText(cidr), gateway: via, family: ipFamily(cidr.address) })),
    refused: plan.routes.flatMap(({ node, cidr, fault }) =>
      fault ? [{ node, ...(cidr && { destination: cidrText(cidr) }), code: fault.code, reason: fault.text }] : [],
    ),
    firewall: rules.firewall,
    asymmetricPaths: rules.asymmetric,
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
