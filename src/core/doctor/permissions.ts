import type { Meta } from '../object/raw.ts';
import type { OptionalResource } from '../object/resources.ts';
import type { AccessFact, ClusterFacts, Need } from './facts.ts';
import { type Finding, finding } from './finding.ts';

const need = (purpose: Need['purpose'], group: string, resource: string, ...verbs: readonly string[]): readonly Need[] => {
  const [name = '', subresource = ''] = resource.split('/');
  return verbs.map((verb) => ({ group, resource: name, subresource, verb, purpose }));
};

/** What `minilb dns` reads; `optional` kinds only where they are served. */
export function readerNeeds(optional: readonly OptionalResource<Meta>[]): readonly Need[] {
  return [
    ...need('required', '', 'services', 'list', 'watch'),
    ...need('required', 'discovery.k8s.io', 'endpointslices', 'list', 'watch'),
    ...need('required', '', 'nodes', 'list', 'watch'),
    ...optional.flatMap(({ group, plural }) => need('optional', group, plural, 'list', 'watch')),
  ];
}

/** What `minilb dns` without `-controller=false` writes. */
export const WRITER_NEEDS: readonly Need[] = [
  ...need('required', '', 'services', 'get'),
  ...need('required', '', 'services/status', 'patch'),
  ...need('required', 'events.k8s.io', 'events', 'create', 'patch'),
];

/** What an agent of `minilb l3` reads and writes. */
export const AGENT_NEEDS: readonly Need[] = [
  ...need('required', '', 'services', 'list', 'watch'),
  ...need('required', '', 'nodes', 'list', 'watch'),
  ...need('required', 'discovery.k8s.io', 'endpointslices', 'list', 'watch'),
  ...need('optional', 'events.k8s.io', 'events', 'create', 'patch'),
];

/** What `minilb l3 -allocate` reads and writes, but for its Lease. */
export const ALLOCATOR_NEEDS: readonly Need[] = [
  ...need('required', '', 'services', 'list', 'watch'),
  ...need('required', '', 'nodes', 'list', 'watch'),
  ...need('required', '', 'services/status', 'patch'),
  ...need('optional', 'events.k8s.io', 'events', 'create', 'patch'),
];

/** What `minilb external` reads and writes in the whole cluster. */
export const OPERATOR_NEEDS: readonly Need[] = [
  ...need('required', '', 'services', 'list', 'watch'),
  ...need('required', '', 'nodes', 'list', 'watch'),
  ...need('required', 'discovery.k8s.io', 'endpointslices', 'list', 'watch'),
  ...need('required', '', 'services/status', 'patch'),
  ...need('required', 'lb.paperlb.com', 'loadbalancers', 'list', 'watch', 'create', 'patch', 'delete'),
  ...need('required', 'lb.paperlb.com', 'loadbalancers/status', 'patch'),
  ...need('optional', 'events.k8s.io', 'events', 'create', 'patch'),
];

/** What whoever applies the manifest creates. */
export const INSTALL_NEEDS: readonly Need[] = [
  ...need('install', '', 'namespaces', 'create'),
  ...need('install', '', 'serviceaccounts', 'create'),
  ...need('install', 'rbac.authorization.k8s.io', 'clusterroles', 'create'),
  ...need('install', 'rbac.authorization.k8s.io', 'clusterrolebindings', 'create'),
  ...need('install', 'rbac.authorization.k8s.io', 'roles', 'create'),
  ...need('install', 'apps', 'deployments', 'create'),
  ...need('install', 'policy', 'poddisruptionbudgets', 'create'),
  ...need('install', 'networking.k8s.io', 'networkpolicies', 'create'),
  ...need('install', 'admissionregistration.k8s.io', 'validatingadmissionpolicies', 'create'),
  ...need('install', 'admissionregistration.k8s.io', 'validatingadmissionpolicybindings', 'create'),
];

/** One finding for each kind and whoever lacks a right to it. */
export function permissionFindings({ access }: Pick<ClusterFacts, 'access'>): readonly Finding[] {
  const denied = access.filter(({ allowed }) => !allowed);
  const install = denied.filter((one) => one.need.purpose === 'install');
  const grouped = Map.groupBy(
    denied.filter((one) => one.need.purpose !== 'install'),
    (one) => `${one.serviceAccount ?? ''} ${resourceText(one.need)}`,
  );
  return [...[...grouped.values()].map(missing), ...(install.length > 0 ? [cannotInstall(install)] : [])];
}

function missing(facts: readonly AccessFact[]): Finding {
  const [first] = facts;
  if (!first) throw new Error('a group without members');
  const { serviceAccount, need: wanted } = first;
  const code = facts.some((one) => one.need.purpose === 'required') ? 'MissingPermission' : 'MissingOptionalPermission';
  const verbs = facts.map((one) => one.need.verb).join(',');
  const resource = resourceText(wanted);
  if (serviceAccount === undefined)
    return finding(
      code,
      'these credentials',
      `minilb dns with these credentials may not ${verbs} ${resource}.`,
      'Let an administrator bind the rules of the ClusterRole minilb-reader (deploy/manifest/access.yaml) to this user.',
    );
  const [namespace = '', name = ''] = serviceAccount.split('/');
  const role = `${name}-${wanted.resource}${wanted.subresource === '' ? '' : `-${wanted.subresource}`}`;
  return finding(
    code,
    `ServiceAccount ${serviceAccount}`,
    `It may not ${verbs} ${resource}.`,
    'Apply the manifest again, or give the one right:',
    [
      `kubectl create clusterrole ${role} --verb=${verbs} --resource=${resource}`,
      `kubectl create clusterrolebinding ${role} --clusterrole=${role} --serviceaccount=${namespace}:${name}`,
    ],
  );
}

function cannotInstall(facts: readonly AccessFact[]): Finding {
  const kinds = facts.map((one) => resourceText(one.need)).join(', ');
  return finding(
    'CannotInstall',
    'these credentials',
    `They may not create ${kinds}, which the manifest holds.`,
    'Let somebody apply it who may: deploy/render.sh NODE=ADDRESS | kubectl apply -f -',
  );
}

/** As kubectl writes it: `ingresses.networking.k8s.io`, `services/status`. */
function resourceText({ group, resource, subresource }: Need): string {
  return `${resource}${group === '' ? '' : `.${group}`}${subresource === '' ? '' : `/${subresource}`}`;
}
