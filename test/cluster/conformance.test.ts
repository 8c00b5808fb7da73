import { clusterMissing, startCluster } from '../support/cluster.ts';
import { apiServerConformance } from '../support/conformance.ts';
import { requires } from '../support/require.ts';

const suite = await requires('cluster', clusterMissing);

suite('kube-apiserver passes the conformance suite of the embedded server', () => apiServerConformance(() => startCluster()));
