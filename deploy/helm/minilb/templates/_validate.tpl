{{/* What a schema cannot say, with the remedy. */}}
{{- define "minilb.validate" -}}
{{- $dns := .Values.dns }}
{{- if include "minilb.pinned" . }}
{{- if not $dns.servers }}
{{- fail "no server listed, so nothing would answer: set dns.servers to the nodes that serve, for example --set dns.servers[0].node=pi1,dns.servers[0].address=192.168.1.30; or dns.mode to nodePort, loadBalancer or none" }}
{{- end }}
{{- $addresses := list }}
{{- $names := list }}
{{- range $dns.servers }}
{{- $slug := include "minilb.slug" . }}
{{- if has .address $addresses }}{{ fail (printf "dns.servers lists %s twice" .address) }}{{ end }}
{{- if has $slug $names }}{{ fail (printf "two of dns.servers are called %s: give one another name" $slug) }}{{ end }}
{{- $addresses = append $addresses .address }}
{{- $names = append $names $slug }}
{{- end }}
{{- $last := add $dns.lameduckSeconds (mul (sub (len $dns.servers) 1) $dns.staggerSeconds) }}
{{- if gt (int $last) 300 }}
{{- fail (printf "the last of dns.servers would serve %d s longer, and -lameduck is at most 300: lower dns.staggerSeconds" (int $last)) }}
{{- end }}
{{- end }}
{{- if and (include "minilb.behindService" .) $dns.upstream (ne $dns.service.externalTrafficPolicy "Local") }}
{{- fail "dns.upstream behind a Service needs dns.service.externalTrafficPolicy Local: with Cluster every client looks like a node, and this would be a resolver open to anybody" }}
{{- end }}
{{- range $dns.extraArgs }}
{{- if regexMatch "^--?(domain|listen|health|controller|services|lameduck|upstream|claim-hosts|kubeconfig)(=|$)" . }}
{{- fail (printf "dns.extraArgs must not hold %s: it has a value of its own, or is set by this chart" .) }}
{{- end }}
{{- end }}
{{- if and .Values.l3.enabled (not .Values.l3.prefixes) }}
{{- fail "l3.prefixes is empty: set the networks that Services get addresses from, for example --set l3.prefixes={10.0.100.0/24}" }}
{{- end }}
{{- if and .Values.external.enabled (ne .Release.Namespace "paperlb-system") }}
{{- fail "external.enabled needs --namespace paperlb-system: there the operator reads LoadBalancerConfigs and the Secrets that they name" }}
{{- end }}
{{- if not (or .Values.l3.enabled .Values.external.enabled (include "minilb.byName" .)) }}
{{- fail "nothing is enabled: dns.mode is none, writer.enabled, l3.enabled and external.enabled are false" }}
{{- end }}
{{- end }}
