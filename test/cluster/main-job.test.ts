import { type Cluster, clusterMissing, startCluster } from '../support/cluster.ts';
import { digLookup } from '../support/dns-client.ts';
import { mainJob } from '../support/main-job.ts';
import { programs, requires } from '../support/require.ts';

const suite = await requires('cluster', () => clusterMissing() ?? programs('dig')());

suite('minilb dns before kube-apiserver', () => {
  let cluster: Cluster | undefined;
  const start = async () => {
    cluster = await startCluster({ audit: 'Metadata' });
    return cluster;
  };
  const statusPatches = (namespace: string) => {
    const uri = `/api/v1/namespaces/${namespace}/services/web/status`;
    return (cluster?.auditEvents() ?? []).filter((event) => event.verb === 'patch' && event.uri.startsWith(uri)).map((event) => event.code);
  };
  mainJob({ start, lookup: digLookup, statusPatches, slow: true });
});
