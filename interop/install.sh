#!/bin/sh
# Installs what the interop tests drive: Debian's simplesamlphp, php-cli (with its XML extensions), awscli and slapd, and
# npm's oidc-provider under interop/oidcprovider/node_modules. Quiet, and quick when everything is there already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

missing=
for package in simplesamlphp php-cli php-xml php-mbstring awscli slapd ldap-utils nodejs; do
    case $package in
    nodejs) command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 && continue; package="nodejs npm" ;;
    *) dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' && continue ;;
    esac
    missing="$missing $package"
done

if [ -n "$missing" ]; then
    sudo=
    if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    # simplesamlphp depends on some web server; the tests do not use it, PHP's own serves them.
    # shellcheck disable=SC2086 # a list of words
    if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing; } >"$log" 2>&1; then
        cat "$log" >&2
        echo "interop/install.sh: could not install:$missing" >&2
        exit 1
    fi
fi

cd "$here/oidcprovider"
if ! cmp -s package-lock.json node_modules/.installed-lock; then
    npm ci --silent --no-audit --no-fund
    cp package-lock.json node_modules/.installed-lock
fi
