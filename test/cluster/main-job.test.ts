import { clusterMissing, startCluster } from '../support/cluster.ts';
import { digLookup } from '../support/dns-client.ts';
import { mainJob } from '../support/main-job.ts';
import { programs, requires } from '../support/require.ts';

const suite = await requires('cluster', () => clusterMissing() ?? programs('dig')());

suite('minilb dns before kube-apiserver', () => mainJob({ start: () => startCluster(), lookup: digLookup, slow: true }));
