#!/usr/bin/env bash
# Installs a Debian or Ubuntu package, with sudo where we are not root.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
  echo "The package $1 is needed and this system has no apt-get; install it by hand." >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "The package $1 is needed; as root run: apt-get install $1" >&2
    exit 1
  fi
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$1"
