#!/usr/bin/env bash
# Installs Firefox ESR, WebKitGTK's WebDriver and Xvfb from Debian, for the tests that drive them (*.driver.test.ts).
# Needs root. Exits 0 with a note when it cannot; whether that matters, the tests decide (MODA_REQUIRE_ENGINES).
set -u
note() { echo "install-browsers: $*"; }
has() { command -v "$1" > /dev/null; }
if has firefox-esr && has WebKitWebDriver && has Xvfb; then note "already installed: $(firefox-esr --version)"; exit 0; fi
[ "$(id -u)" = 0 ] || { note "not root; nothing installed"; exit 0; }
has apt-get || { note "no apt-get; nothing installed"; exit 0; }
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends firefox-esr webkit2gtk-driver xvfb > /dev/null; }
{ install || { apt-get update -qq && install; }; } && note "installed" || note "could not install"
exit 0
