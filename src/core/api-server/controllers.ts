import { asObject, asString, compact, type RawObject } from '../object/raw.ts';
import { deleteObject } from './delete.ts';
import { planEndpointSlices, SERVICE_NAME_LABEL } from './endpoint-slices.ts';
import { type ApiKind, resourceKey } from './kind.ts';
import { ENDPOINT_SLICE } from './kind-endpoint-slice.ts';
import { NODE } from './kind-node.ts';
import { POD } from './kind-pod.ts';
import { SERVICE } from './kind-service.ts';
import { metaOf } from './object-meta.ts';
import { hasLabels } from './selector.ts';
import { type ApiState, type Change, objectsOf, storeKey } from './state.ts';
import { createObject, replaceObject, type WriteContext } from './write.ts';

/** Rounds after which the controllers must have come to rest: they react to their own writes once. */
const ROUNDS_MAX = 8;

/** Does what the endpoint slice controller would do about everything that changed after `since`. `slices` is the kind as it is served here. */
export function runControllers(state: ApiState, since: number, context: WriteContext, slices: ApiKind = ENDPOINT_SLICE): ApiState {
  let current = state;
  let seen = since;
  for (let round = 0; round < ROUNDS_MAX && current.version > seen; round++) {
    const services = touchedServices(current, seen);
    seen = current.version;
    for (const key of services) current = syncService(current, key, context, slices);
  }
  return current;
}

/** Keys of Services whose slices the changes may concern. */
function touchedServices(state: ApiState, since: number): ReadonlySet<string> {
  const touched = new Set<string>();
  for (const change of state.history) {
    if (change.version <= since) continue;
    for (const key of servicesOf(state, change)) touched.add(key);
  }
  return touched;
}

function servicesOf(state: ApiState, change: Change): readonly string[] {
  const objects = compact([change.before, change.after]);
  switch (change.resource) {
    case resourceKey(SERVICE):
      return objects.map(keyOfObject);
    case resourceKey(ENDPOINT_SLICE):
      return objects.flatMap((slice) => {
        const name = asString(asObject(metaOf(slice)['labels'])?.[SERVICE_NAME_LABEL]);
        return name === undefined ? [] : [storeKey(String(metaOf(slice)['namespace']), name)];
      });
    case resourceKey(POD):
      return objects.flatMap((pod) => selecting(state, pod));
    case resourceKey(NODE):
      // A heartbeat changes nothing; only coming and going does.
      return change.before && change.after ? [] : [...objectsOf(state, SERVICE).keys()];
    default:
      return [];
  }
}

function selecting(state: ApiState, pod: RawObject): readonly string[] {
  const namespace = metaOf(pod)['namespace'];
  return [...objectsOf(state, SERVICE)].flatMap(([key, service]) => {
    const selector = asObject(asObject(service['spec'])?.['selector']);
    return selector && metaOf(service)['namespace'] === namespace && hasLabels(pod, selector) ? [key] : [];
  });
}

function syncService(state: ApiState, key: string, context: WriteContext, kind: ApiKind): ApiState {
  const [namespace = '', name = ''] = key.split('/');
  const inside = (object: RawObject) => metaOf(object)['namespace'] === namespace;
  const nodes = objectsOf(state, NODE);
  const plan = planEndpointSlices(objectsOf(state, SERVICE).get(key), {
    pods: [...objectsOf(state, POD).values()].filter(inside),
    slices: [...objectsOf(state, ENDPOINT_SLICE).values()].filter(
      (slice) => inside(slice) && asObject(metaOf(slice)['labels'])?.[SERVICE_NAME_LABEL] === name,
    ),
    nodeExists: (node) => nodes.has(node),
  });
  const at = (object: RawObject) => ({ kind, namespace, name: asString(metaOf(object)['name']) ?? '', subresource: '' });
  let next = state;
  for (const slice of plan.create) next = createObject(next, at(slice), JSON.stringify(slice), context).state;
  for (const slice of plan.update) next = replaceObject(next, at(slice), JSON.stringify(slice), context).state;
  for (const slice of plan.remove) next = deleteObject(next, at(slice), '', undefined, context).state;
  return next;
}

function keyOfObject(object: RawObject): string {
  return storeKey(String(metaOf(object)['namespace'] ?? ''), String(metaOf(object)['name']));
}
