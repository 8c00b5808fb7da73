import type { ClaimInput } from '../claim/claim-book.ts';
import type { CiliumNode } from '../object/cilium-node.ts';
import type { EndpointSlice } from '../object/endpoint-slice.ts';
import type { InspectedIngress } from '../object/inspected-ingress.ts';
import type { InspectedPod } from '../object/inspected-pod.ts';
import type { InspectedService } from '../object/inspected-service.ts';
import type { Node } from '../object/node.ts';
import type { Cidr } from '../value/ip.ts';
import type { ClusterView, Zone } from '../zone/zone.ts';

/** One right that is needed: for `authorization.k8s.io/v1` ResourceAttributes. */
export interface Need {
  readonly group: string;
  readonly resource: string;
  /** Empty for none. */
  readonly subresource: string;
  readonly verb: string;
  /** `install`: what the manifest creates. */
  readonly purpose: 'required' | 'optional' | 'install';
}

/** What the API server says of one right. */
export interface AccessFact {
  /** `namespace/name` of the ServiceAccount; absent: those who run `doctor`. */
  readonly serviceAccount?: string;
  readonly need: Need;
  readonly allowed: boolean;
}

/** A kind of the Gateway API that is served: its versions, and those that minilb reads. */
export interface ServedVersions {
  readonly kind: string;
  readonly served: readonly string[];
  readonly read: readonly string[];
}

/** Of a server's settings, what findings depend on. */
export interface InspectedSettings {
  readonly forwarding: boolean;
  readonly fallthrough: boolean;
  /** `-claim-hosts` is given. */
  readonly claimHosts: boolean;
  readonly via: readonly Cidr[];
  readonly cidrs: readonly Cidr[];
}

/** The cluster at one moment. What could not be read is empty here, and told apart elsewhere. */
export interface ClusterFacts {
  readonly zone: Zone;
  readonly view: ClusterView;
  /** Objects that claim names or decide about it. */
  readonly inputs: readonly (readonly [kind: ClaimInput, key: string])[];
  readonly settings: InspectedSettings;
  readonly services: readonly InspectedService[];
  readonly slices: readonly EndpointSlice[];
  readonly ingresses: readonly InspectedIngress[];
  readonly nodes: readonly Node[];
  readonly ciliumNodes: readonly CiliumNode[];
  readonly pods: readonly InspectedPod[];
  /** False where Pods could not be listed: then none is not a finding. */
  readonly podsKnown: boolean;
  readonly access: readonly AccessFact[];
  readonly gatewayKinds: readonly ServedVersions[];
}
