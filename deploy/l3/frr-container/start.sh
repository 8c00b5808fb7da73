#!/bin/sh
# Starts FRR's three daemons in this container, then loads the configuration with this node's name and router id filled in. It ends when one
# of them does, and is started again by the kubelet.
set -eu
home=${FRR_RUN:-/run/frr}
config=${FRR_CONFIG:-/etc/minilb-frr/frr.conf}
chown frr:frr "$home"
sed -e "s/^hostname .*/hostname $NODE_NAME/" -e "s/bgp router-id .*/bgp router-id $NODE_IP/" "$config" >"$home/frr.conf"

pids=''
# The first process of the container: when it ends, the kernel ends the others. It may not signal them itself, they are another user's.
trap 'exit 0' TERM INT
for daemon in zebra bfdd bgpd; do
  case $daemon in bfdd) extra="--bfdctl $home/bfdd.sock" ;; *) extra='' ;; esac
  # shellcheck disable=SC2086
  /usr/lib/frr/$daemon -u frr -g frr -f /dev/null -z "$home/zserv.api" -i "$home/$daemon.pid" --vty_socket "$home" -P 0 --log stdout $extra &
  pids="$pids $!"
  until [ -S "$home/$daemon.vty" ]; do sleep 0.1; done
done
vtysh --vty_socket "$home" -f "$home/frr.conf"

while sleep 2; do
  for pid in $pids; do [ -d "/proc/$pid" ] || exit 1; done
done
