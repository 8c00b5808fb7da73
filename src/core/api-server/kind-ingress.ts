import { asArray, asObject, asString, type RawObject } from '../object/raw.ts';
import { parseIp } from '../value/ip.ts';
import { check, dnsLabel, dnsSubdomain, type FieldError, invalidValue, oneOf, required, wildcardSubdomain } from './field-error.ts';
import { apiKind } from './kind.ts';
import { LOAD_BALANCER_STATUS } from './kind-service.ts';
import { validateIngressPoints } from './service-rules.ts';
import { fields, list } from './shape.ts';

const BACKEND = fields({
  resource: 'any',
  service: fields({ name: 'string', port: fields({ name: 'string', number: 'integer' }) }),
});

/** networking.k8s.io/v1 Ingress. */
export const INGRESS = apiKind({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  generation: true,
  nameRule: dnsSubdomain,
  shape: {
    spec: fields({
      defaultBackend: BACKEND,
      ingressClassName: 'text',
      rules: list(
        fields({ host: 'string', http: fields({ paths: list(fields({ backend: BACKEND, path: 'string', pathType: 'text' })) }) }),
      ),
      tls: list(fields({ hosts: list('string'), secretName: 'string' })),
    }),
    status: fields({ loadBalancer: LOAD_BALANCER_STATUS }),
  },
  fill: (ingress) => ({
    ...ingress,
    spec: asObject(ingress['spec']) ?? {},
    status: { loadBalancer: {}, ...asObject(ingress['status']) },
  }),
  validate: (ingress) => specErrors(asObject(ingress['spec']) ?? {}),
  validateStatus: (ingress) => validateIngressPoints(ingress),
});

function specErrors(spec: RawObject): readonly FieldError[] {
  const rules = asArray(spec['rules']);
  const nothing = rules.length === 0 && spec['defaultBackend'] === undefined;
  return [
    ...(nothing ? [invalidValue('spec', null, 'either `defaultBackend` or `rules` must be specified')] : []),
    ...rules.flatMap((rule, i) => ruleErrors(`spec.rules[${i}]`, asObject(rule) ?? {})),
    ...(spec['defaultBackend'] === undefined ? [] : backendErrors('spec.defaultBackend', asObject(spec['defaultBackend']) ?? {})),
    ...asArray(spec['tls']).flatMap((tls, i) =>
      asArray(asObject(tls)?.['hosts']).flatMap((host, j) => hostErrors(`spec.tls[${i}].hosts[${j}]`, String(host))),
    ),
    ...(spec['ingressClassName'] === undefined ? [] : check('spec.ingressClassName', spec['ingressClassName'], dnsSubdomain)),
  ];
}

function hostErrors(at: string, host: string): readonly FieldError[] {
  return check(at, host, host.includes('*') ? wildcardSubdomain : dnsSubdomain);
}

function ruleErrors(at: string, rule: RawObject): readonly FieldError[] {
  const host = asString(rule['host']);
  const hostFaults =
    host === undefined ? [] : parseIp(host) ? [invalidValue(`${at}.host`, host, 'must be a DNS name, not an IP address')] : [];
  const http = asObject(rule['http']);
  const paths = asArray(http?.['paths']);
  return [
    ...hostFaults,
    ...(host === undefined ? [] : hostErrors(`${at}.host`, host)),
    ...(http && paths.length === 0 ? [required(`${at}.http.paths`)] : []),
    ...paths.flatMap((path, i) => pathErrors(`${at}.http.paths[${i}]`, asObject(path) ?? {})),
  ];
}

function pathErrors(at: string, path: RawObject): readonly FieldError[] {
  const type = path['pathType'];
  const absolute = type === 'Prefix' || type === 'Exact' || path['path'] !== undefined;
  return [
    ...(type === undefined ? [required(`${at}.pathType`, 'pathType must be specified')] : []),
    ...oneOf(`${at}.pathType`, type, ['Exact', 'ImplementationSpecific', 'Prefix']),
    ...(absolute && !String(path['path'] ?? '').startsWith('/')
      ? [invalidValue(`${at}.path`, path['path'] ?? '', 'must be an absolute path')]
      : []),
    ...backendErrors(`${at}.backend`, asObject(path['backend']) ?? {}),
  ];
}

function backendErrors(at: string, backend: RawObject): readonly FieldError[] {
  const service = asObject(backend['service']);
  if (!service) return backend['resource'] === undefined ? [invalidValue(at, '', 'resource or service backend is required')] : [];
  const port = asObject(service['port']) ?? {};
  return [
    ...(service['name'] === undefined ? [required(`${at}.service.name`)] : check(`${at}.service.name`, service['name'], dnsLabel)),
    ...(port['name'] === undefined && port['number'] === undefined ? [required(at, 'port name or number is required')] : []),
  ];
}
