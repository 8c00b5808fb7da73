import { wireNameText } from '../../src/core/wire/text.ts';
import { type Answer, answerAddresses } from '../../src/core/zone/answer.ts';
import type { Zone } from '../../src/core/zone/zone.ts';

/**
 * Every record that the zone's names answer, one line each, sorted: `web.default.minilb A 10.244.0.5`; `NODATA` for a name without any. A
 * wildcard is `*.sko.ai`, and `*.*.sko.ai` for names with more labels.
 */
export function zoneRecords(zone: Zone): readonly string[] {
  const lines: string[] = [];
  for (const node of zone.names.nodes()) {
    const name = wireNameText(node.wire);
    if (node.answer) lines.push(...answerRecords(name, node.answer));
    else if (node.below > 0) lines.push(`${name} EMPTY below=${node.below}`);
    const { one, many } = node.wildcard ?? {};
    if (one) lines.push(...answerRecords(`*.${name}`, one.answer));
    if (many) lines.push(...answerRecords(`*.*.${name}`, many.answer));
  }
  return lines.sort();
}

function answerRecords(name: string, answer: Answer): readonly string[] {
  const ports = answer.srv.flatMap(({ labels, port, endpoints }) => {
    const at = `${wireNameText(labels)}.${name} SRV`;
    return endpoints.length > 0 ? endpoints.map((one) => `${at} ${one.port} ${wireNameText(one.target)}`) : [`${at} ${port}`];
  });
  if (answer.cname) return [`${name} CNAME ${answer.cname}`, ...ports];
  const addresses = answerAddresses(answer).map((ip) => `${name} ${ip.includes(':') ? 'AAAA' : 'A'} ${ip}`);
  return [...(addresses.length > 0 ? addresses : [`${name} NODATA`]), ...ports];
}
