// Package signing reaches private keys where they are: in an encrypted file, in a hardware token (PKCS#11, with the build tag pkcs11), or in a
// process of its own behind a unix socket. Everything above it sees a credential.Signer.
//
// A location says where a key is; it stands in a file beside the data and never holds a secret, only the name of the file that does:
//
//	file:/srv/healthcode/keys/signing-1.key?passphrase-source=/etc/healthcode/passphrase
//	pkcs11:token=healthcode;object=signing-1?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/healthcode/pin
//	unix:/run/healthcode/signer.sock
//
// A key is opened only when it is the one that was registered: its public half is compared first.
package signing
