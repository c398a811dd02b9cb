#!/bin/sh
# Renew the locks of the images from their requirements.in: newest versions, hashes of every file of each release.
#
#     images/lock.sh [uv pip compile options, e.g. --find-links FOLDER-OF-TORCH-WHEELS]
#
# Needs uv (https://docs.astral.sh/uv/), and torch's CPU wheel: --find-links, or its index as TORCH_INDEX_URL. The versions are chosen for Python 3.11, the oldest base; where a release has
# wheels for newer Pythons and other architectures, their hashes are in the lock as well.
set -eu
cd "$(dirname "$0")"

compile() {
    name=$1
    shift
    UV_CUSTOM_COMPILE_COMMAND=images/lock.sh uv pip compile --quiet --upgrade --generate-hashes --no-annotate \
        --only-binary :all: --python-version 3.11 --python-platform x86_64-manylinux_2_28 --no-emit-find-links \
        --no-emit-index-url \
        "$name/requirements.in" --output-file "$name/requirements.lock" "$@"
}

compile runtime "$@"
# On top of the runtime image: its packages hold, and are not installed again.
pins=$(mktemp)
grep -o "^[a-z].*==[^ ]*" runtime/requirements.lock >"$pins"
compile openvino --constraint "$pins" $(sed "s/==.*//; s/^/--no-emit-package /" "$pins") "$@"
rm -f "$pins"
# torch decides versions of its dependencies, but is installed from its own index: see exporter/torch.lock.
torch=$(sed -n 's/^torch==/torch==/p' exporter/torch.lock)
constraint=$(mktemp)
trap 'rm -f "$constraint"' EXIT
printf '%s+cpu\n' "$torch" >"$constraint"
compile exporter --constraint "$constraint" --no-emit-package torch \
    ${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL" --index-strategy unsafe-best-match} "$@"
