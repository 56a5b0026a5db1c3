#!/usr/bin/env bash
# Makes sure that a Chromium is there for the browser tests: the one on the PATH, else Playwright's, else
# Debian's. A name alone is not enough: Ubuntu's chromium-browser may be a stub that only prints advice.
set -euo pipefail
python=$1

for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1; then
    exit 0
  fi
done

playwrights=$("$python" -c '
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)')
if "$playwrights" --version >/dev/null 2>&1; then
  exit 0
fi
echo "No Chromium on the PATH; asking Playwright for one."
if timeout 300 "$python" -m playwright install chromium && "$playwrights" --version >/dev/null 2>&1; then
  exit 0
fi
echo "Playwright's Chromium does not run here; asking Debian for one."
bash "$(dirname "$0")/apt_install.sh" chromium
chromium --version
