import type { EndpointSlice } from '../object/endpoint-slice.ts';
import { refOf } from '../object/raw.ts';
import type { Service } from '../object/service.ts';
import { isByName } from '../object/service-class.ts';
import { joinName } from '../value/dns-name.ts';
import type { Notice, NoticeCode } from '../value/notice.ts';
import { usableEndpoints } from './endpoints.ts';
import type { NodeFacts } from './node-facts.ts';
import { portGaps, portGapText } from './port-gaps.ts';
import { answerMode, type ServiceNaming, unroutableEndpoints } from './service-names.ts';

/** How many addresses or ports a sentence lists. */
const LISTED_MAX = 5;

/** What the user of a Service should hear about what its name answers. */
export function serviceNotices(
  service: Service,
  slices: Iterable<EndpointSlice>,
  naming: ServiceNaming,
  nodes: NodeFacts,
): readonly Notice[] {
  const own = joinName(service.name, service.namespace, naming.domain);
  if (!own || service.ignored) return [];
  const say = (code: NoticeCode, text: string): Notice => ({ object: refOf('v1', 'Service', service), code, text });
  const notices: Notice[] = [];
  const asked = service.annotations['minilb/answer'];
  const mode = answerMode(service, naming.byName, own);
  if (asked !== undefined && asked.trim() !== mode)
    notices.push(say('InvalidAnswer', `minilb/answer is ${JSON.stringify(asked.slice(0, 40))}: it must be endpoints, addresses or nodes.`));
  if (mode !== 'endpoints' || !isByName(service, naming.byName)) return notices;
  const all = [...slices];
  const unroutable = unroutableEndpoints(service, usableEndpoints(all), naming.byName, nodes).map(({ address }) => address);
  if (unroutable.length > 0)
    notices.push(
      say(
        'UnroutableEndpoint',
        `${list(unroutable)} lies outside every podCIDR and the Nodes' networks, and is not published: no client could reach it.`,
      ),
    );
  const gaps = portGaps(service, all);
  if (gaps.length > 0)
    notices.push(
      say(
        'PortsDiffer',
        `Clients of ${own} must use ${list(gaps.map(portGapText), '; ')}: the name leads straight to the pods. SRV records say so too. To have one port for all, make the ports match, or answer with nodes (minilb/answer: nodes) where these map them.`,
      ),
    );
  return notices;
}

function list(items: readonly string[], between = ', '): string {
  const more = items.length > LISTED_MAX ? ` and ${items.length - LISTED_MAX} more` : '';
  return `${items.slice(0, LISTED_MAX).join(between)}${more}`;
}
