const external = { type: 'Warning', roles: ['external'], on: ['Service'] } as const;

/** What `minilb external` says; `notice-table.ts` holds these codes with the others. */
export const EXTERNAL_NOTICES = {
  ConfigMissing: {
    ...external,
    means: 'The annotation `lb.paperlb.com/config-name` names a LoadBalancerConfig that is not there or is being deleted.',
    remedy:
      'Correct the annotation, or create the config in `paperlb-system`. Until then the Service stays where it was, if that is still there.',
  },
  NoDefaultConfig: {
    ...external,
    means: 'The Service names no LoadBalancerConfig, and none with `default: true` allows its namespace.',
    remedy: 'Create a default config in `paperlb-system`, or name one in `lb.paperlb.com/config-name`.',
  },
  ConfigInvalid: {
    ...external,
    means: 'The Service’s LoadBalancerConfig cannot be used; the text says which field is wrong. What is live stays as it is.',
    remedy: 'Correct the config.',
  },
  NamespaceNotAllowed: {
    ...external,
    means: 'The LoadBalancerConfig that the Service names does not allow its namespace.',
    remedy: 'Add the namespace to `allowedNamespaces`, or choose another config.',
  },
  PortNotServed: {
    ...external,
    means: 'A port of the Service cannot be forwarded: it is SCTP, or has no node port. Its other ports are served.',
    remedy: 'Use TCP or UDP; leave out `allocateLoadBalancerNodePorts: false`.',
  },
  PortsExhausted: {
    ...external,
    means: 'Every port of the config’s range is taken, so a port of the Service has none and the Service gets no status.',
    remedy: 'Widen `portRange`, or delete Services. `kubectl get loadbalancers -A` shows who has which.',
  },
  NamespacePortsMax: {
    ...external,
    means: 'The namespace has as many ports as its LoadBalancerConfig gives one (`portsPerNamespaceMax`).',
    remedy: 'Delete Services, or raise the limit.',
  },
  PortDuplicate: {
    ...external,
    means: 'Two objects held one port of the load balancer; this one is the younger and gets another.',
    remedy: 'Nothing; tell its clients the new port, which is in the status.',
  },
  PortOutOfRange: {
    ...external,
    means: 'The range of the LoadBalancerConfig has changed and no longer holds this Service’s port: it gets another.',
    remedy: 'Nothing; tell its clients the new port, which is in the status.',
  },
  NoReadyNode: {
    ...external,
    means: 'No Node is Ready. All of them stay targets, since they may still forward traffic.',
    remedy: 'Look why the Nodes are not Ready.',
  },
  NoTargets: {
    ...external,
    means: 'There is no Node to send the traffic to, so the load balancer holds nothing for the Service.',
    remedy: 'With `externalTrafficPolicy: Local` make a pod ready; else look at the Nodes’ exclude labels and taints.',
  },
  NoNodeAddress: {
    ...external,
    means: 'No Node has an address of the wanted types in the Service’s families.',
    remedy: 'Set `nodeAddressTypes` in the LoadBalancerConfig, or give the Nodes such an address.',
  },
  TooManyTargets: {
    ...external,
    means: 'There are more Nodes than an updater takes targets for one port; the first by name get the traffic.',
    remedy: 'Label Nodes with `node.kubernetes.io/exclude-from-external-load-balancers`.',
  },
  BalancerNameTaken: {
    ...external,
    means: 'A LoadBalancer of the Service’s name is there and does not belong to the Service. Nothing in it is used.',
    remedy: 'Delete that LoadBalancer.',
  },
  InvalidAnnotation: {
    ...external,
    means: 'A `minilb/proxy-…` annotation says something that cannot be; the default is used.',
    remedy: 'Correct the annotation; the text quotes it.',
  },
  AffinityNeedsLocal: {
    ...external,
    means: 'The load balancer keeps a client with one Node, but with policy Cluster that Node spreads over all pods.',
    remedy: 'Set `externalTrafficPolicy: Local` if clients must stay with one pod.',
  },
  UpdaterFailed: {
    ...external,
    means: 'The updater did not do what it was asked, or cannot be reached; the text has its own words. It is asked again.',
    remedy: 'Act on the text; look at the updater’s log and at `minilb updater list`.',
  },
  UpdaterTooOld: {
    ...external,
    means: 'The Service wants something that only `minilb updater` can do, and its updater is another. The port is not forwarded.',
    remedy: 'Run `minilb updater`, or remove the field or annotation that the text names.',
  },
  CleanupGivenUp: {
    ...external,
    on: ['Service', 'Namespace'],
    means: 'For an hour an updater could not be made to remove a backend, or nobody knows any more how to reach it. It is left there.',
    remedy: 'Remove the backend named in the text at the load balancer by hand.',
  },
} as const;
