#!/bin/sh
# Make sure that a base image is there: the Dockerfiles' own, from a registry, or one made from a Debian mirror. Either
# way it is known as kit-base:bookworm afterwards, which the tests use.
#
#     images/base/ensure.sh
set -eu
cd "$(dirname "$0")"

local=kit-base:bookworm
default=${KIT_BASE:-$(sed -n 's/^ARG BASE=//p' ../runtime/Dockerfile | head -n 1)}
has() { docker image inspect "$1" >/dev/null 2>&1; }

has "$local" && exit 0
if has "$default" || docker pull -q "$default" >/dev/null 2>&1; then
    exec docker tag "$default" "$local"
fi
echo "no registry answers for $default; making a base image from the Debian mirror" >&2
exec ./make-base.sh "$local"
