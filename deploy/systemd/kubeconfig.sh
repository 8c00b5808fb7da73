#!/bin/sh
# Prints a kubeconfig for the ServiceAccount minilb-dns, which may list and watch Services, EndpointSlices and Nodes and nothing else. It is
# made with kubectl as you; the manifest must be applied (deploy/render.sh -outside). The token is good for a year unless the cluster allows less.
set -eu

usage='usage: deploy/systemd/kubeconfig.sh [https://HOST:PORT of the API server, as seen from the box] > kubeconfig'

fail() {
  printf 'kubeconfig.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

field() { kubectl config view --minify --raw --flatten -o "jsonpath={.clusters[0].cluster.$1}"; }

[ $# -le 1 ] || fail "$usage" 2
server=${1:-$(field server)}
case $server in
https://127.* | https://localhost* | https://\[::1\]*)
  [ $# -eq 1 ] || fail "your kubeconfig says $server, which the box cannot reach: $usage" 2 ;;
https://?*) ;;
*) fail "'$server' is not https://HOST:PORT: $usage" 2 ;;
esac
ca=$(field certificate-authority-data)
[ -n "$ca" ] || fail 'your kubeconfig names no certificate authority for this cluster'
token=$(kubectl --namespace minilb create token minilb-dns --duration=8760h)

cat <<KUBECONFIG
apiVersion: v1
kind: Config
current-context: minilb
clusters:
- name: minilb
  cluster:
    server: $server
    certificate-authority-data: $ca
users:
- name: minilb
  user:
    token: $token
contexts:
- name: minilb
  context:
    cluster: minilb
    user: minilb
KUBECONFIG
