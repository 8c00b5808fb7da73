{{- define "minilb.fullname" -}}
{{- if contains "minilb" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-minilb{{ end }}
{{- end }}

{{/* Labels of the objects of each way in. */}}
{{- define "minilb.labels" -}}
app.kubernetes.io/name: minilb
{{ include "minilb.ownLabels" . }}
{{- end }}

{{- define "minilb.l3Labels" -}}
app.kubernetes.io/name: minilb-l3
{{ include "minilb.ownLabels" . }}
{{- end }}

{{- define "minilb.externalLabels" -}}
app.kubernetes.io/name: minilb-external
{{ include "minilb.ownLabels" . }}
{{- end }}

{{- define "minilb.ownLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "minilb.selector" -}}
app.kubernetes.io/name: minilb
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "minilb.l3Selector" -}}
app.kubernetes.io/name: minilb-l3
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "minilb.externalSelector" -}}
app.kubernetes.io/name: minilb-external
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* list $ image → its name */}}
{{- define "minilb.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 }}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}{{ else }}{{ $image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* A server's name: the address as part of a name, which may not begin or end with a dash. */}}
{{- define "minilb.slug" -}}
{{- $dashed := .address | replace "." "-" | replace ":" "-" }}
{{- .name | default (regexReplaceAllLiteral "-$" (regexReplaceAllLiteral "^-" $dashed "0-") "-0") }}
{{- end }}

{{/* Flags that decide what the zone holds: the same for servers and writer. */}}
{{- define "minilb.zoneArgs" -}}
- -domain={{ .Values.domain }}
{{- range .Values.dns.claimHosts }}
- {{ printf "-claim-hosts=%s" . | quote }}
{{- end }}
{{- range .Values.dns.ingressClasses }}
- -ingress-class={{ . }}
{{- end }}
{{- range .Values.dns.gatewayClasses }}
- -gateway-class={{ . }}
{{- end }}
{{- end }}

{{/* Flags of a server, after where it listens. */}}
{{- define "minilb.serverArgs" -}}
- -controller=false
- -services={{ .Values.dns.services }}
{{- range .Values.dns.nameservers }}
- {{ printf "-nameserver=%s" . | quote }}
{{- end }}
{{- range .Values.dns.upstream }}
- {{ printf "-upstream=%s" . | quote }}
{{- end }}
{{- with .Values.dns.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "minilb.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "minilb.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "minilb.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "minilb.probes" -}}
livenessProbe:
  httpGet:
    path: /livez
    port: health
readinessProbe:
  httpGet:
    path: /readyz
    port: health
  periodSeconds: 2
{{- end }}

{{- define "minilb.serverEnv" -}}
- name: HOST_IPS
  valueFrom:
    fieldRef:
      fieldPath: status.hostIPs
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}

{{/* Has the chart servers of its own? */}}
{{- define "minilb.pinned" -}}{{ if has .Values.dns.mode (list "hostPort" "hostNetwork") }}yes{{ end }}{{- end }}
{{- define "minilb.behindService" -}}{{ if has .Values.dns.mode (list "nodePort" "loadBalancer") }}yes{{ end }}{{- end }}
{{- define "minilb.byName" -}}{{ if or .Values.writer.enabled (ne .Values.dns.mode "none") }}yes{{ end }}{{- end }}
