#!/bin/sh
# Prints minilb's manifest for `kubectl apply -f -`. Nothing is printed unless everything asked for makes sense.
set -euf

usage='usage: deploy/render.sh [-domain minilb] [-image localhost/minilb:VERSION] NODE=ADDRESS [NODE=ADDRESS ...] | -outside
  NODE=ADDRESS   a node by name, and an address of it that answers DNS on port 53; nodes and addresses are listed by
                 kubectl get nodes -o wide
  -outside       no DNS in the cluster: boxes outside it serve (deploy/systemd)
  -domain        the zone: a Service answers as <service>.<namespace>.<domain>
  -image         where the nodes find the image'

here=$(cd "$(dirname "$0")" && pwd)
domain=minilb
image=localhost/minilb:$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$here/../package.json")

fail() {
  printf 'render.sh: %s\n' "$1" >&2
  exit 2
}

need_value() { [ "$2" -ge 2 ] || fail "$1 needs a value"; }

# A DNS name as Kubernetes writes it: lower case, no empty label.
is_name() {
  case $1 in '' | *[!a-z0-9.-]* | [.-]* | *[.-] | *..* | *.-* | *-.*) return 1 ;; esac
  [ ${#1} -le "$2" ]
}

is_ipv4() {
  case $1 in *[!0-9.]* | .* | *. | *..*) return 1 ;; esac
  old_ifs=$IFS IFS=.
  set -- $1
  IFS=$old_ifs
  [ $# -eq 4 ] || return 1
  for octet; do case $octet in 0?* | ????*) return 1 ;; esac && [ "$octet" -le 255 ] || return 1; done
}

# Roughly; the API server looks closely.
is_ipv6() {
  case $1 in *[!0-9a-f:]* | *:::* | *::*::*) return 1 ;; *:*:*) return 0 ;; esac
  return 1
}

is_pair() {
  case $1 in *[[:space:]]* | =* | *=) return 1 ;; *=*) return 0 ;; esac
  return 1
}

check_pair() {
  is_pair "$1" || fail "'$1' is not NODE=ADDRESS, for example pi1=192.168.1.30"
  is_name "${1%%=*}" 253 || fail "'${1%%=*}' is not the name of a node"
  address=${1#*=}
  is_ipv4 "$address" || is_ipv6 "$address" || fail "'$address' is not an IP address (IPv6 in lower case)"
  case $address in
  0.0.0.0 | 127.* | :: | ::1)
    fail "'$address' is not an address that others can ask; with it hostPort 53 would take the node's own queries" ;;
  esac
  case " $addresses " in *" $address "*) fail "$address is listed twice" ;; esac
  addresses="$addresses $address"
}

pairs='' addresses='' outside=''
while [ $# -gt 0 ]; do
  case $1 in
  -h | -help | --help) printf '%s\n' "$usage"; exit 0 ;;
  -outside | --outside) outside=yes ;;
  -domain | --domain) need_value "$1" $#; domain=$2; shift ;;
  -domain=* | --domain=*) domain=${1#*=} ;;
  -image | --image) need_value "$1" $#; image=$2; shift ;;
  -image=* | --image=*) image=${1#*=} ;;
  -*) fail "unknown flag $1; $usage" ;;
  *) check_pair "$1"; pairs="$pairs $1" ;;
  esac
  shift
done

[ -z "$pairs" ] || [ -z "$outside" ] || fail "either nodes or -outside, not both"
[ -n "$pairs$outside" ] || fail "no node listed, so nothing would answer; $usage"
# The last one's -lameduck must stay below 300.
[ "$(printf '%s\n' $addresses | wc -l)" -le 15 ] || fail 'more than 15 servers'
# <63>.<63>. must fit before it in 253 characters.
is_name "$domain" 125 || fail "'$domain' is not a domain in lower case of at most 125 characters"
case $image in '' | *[!A-Za-z0-9._/:@-]*) fail "'$image' is not the name of an image" ;; esac

fill() { sed -e "s|@DOMAIN@|$domain|g" -e "s|@IMAGE@|$image|g" "$here/manifest/$1.yaml"; }

fill namespace
parts='access user admission network writer'
[ -n "$outside" ] || parts="$parts budget"
for part in $parts; do
  printf -- '---\n'
  fill "$part"
done
# Each serves 20 s longer than the one before it once told to end: time for that one's successor to answer.
lameduck=5
for pair in $pairs; do
  address=${pair#*=}
  # Part of a name, so it may not begin or end with a dash.
  slug=$(printf '%s' "$address" | sed -e 's/[:.]/-/g' -e 's/^-/0-/' -e 's/-$/-0/')
  printf -- '---\n'
  fill dns | sed -e "s|@NODE@|${pair%%=*}|g" -e "s|@ADDRESS@|$address|g" -e "s|@SLUG@|$slug|g" \
    -e "s|@LAMEDUCK@|$lameduck|g" -e "s|@GRACE@|$((lameduck + 10))|g"
  lameduck=$((lameduck + 20))
done
