#!/bin/sh
# Makes the RSA keys of the SAML test identity provider. They protect nothing: they are here so that every process of a
# test run has the same keys at once.
set -eu
cd "$(dirname "$0")"
for n in 0 1 2 3; do
	openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "saml-key-$n.pem"
done
