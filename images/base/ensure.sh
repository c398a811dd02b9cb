#!/bin/sh
# Make sure that a base image is there: the Dockerfiles' own, from a registry, or one made from a Debian mirror.
#
#     images/base/ensure.sh
set -eu
cd "$(dirname "$0")"

default=$(sed -n 's/^ARG BASE=//p' ../runtime/Dockerfile)
for image in "${KIT_BASE:-$default}" kit-base:bookworm; do
    docker image inspect "$image" >/dev/null 2>&1 && exit 0
done
docker pull -q "${KIT_BASE:-$default}" >/dev/null 2>&1 && exit 0
echo "no registry answers for ${KIT_BASE:-$default}; making a base image from the Debian mirror" >&2
exec ./make-base.sh
