#!/usr/bin/env bash
# Write tests/golden/keys with minisign and openssl: keys of each kind, with and without a password, and a file that each
# signed. They are for tests alone: their secrets are public.

set -euo pipefail
folder="$(dirname "$0")/../../tests/golden/keys"
mkdir -p "$folder"
cd "$folder"

minisign -G -W -f -p minisign.pub -s minisign.key > /dev/null
# With little memory at hand minisign takes cheaper limits for scrypt, which is all that a test can afford.
(ulimit -v 120000 && printf 'secret\nsecret\n' | minisign -G -f -p password.pub -s password.key > /dev/null)
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem
openssl pkey -in p256.pem -pubout -out p256.pub.pem
openssl pkey -in p256.pem -aes-256-cbc -passout pass:secret -out p256.password.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem
openssl pkey -in p384.pem -pubout -out p384.pub.pem

echo "what was signed" > signed.txt
minisign -S -s minisign.key -m signed.txt -t "of this test"
minisign -S -l -s minisign.key -m signed.txt -x signed.txt.old.minisig
openssl dgst -sha256 -sign p256.pem -out signed.txt.sig signed.txt
