// Package verify checks health codes without a network, with the three-valued, dated verdict of docs/formats.md section 8: is the code
// authentic, is it current, and which grade does it have as of when.
//
// A Verifier pins an issuer's root key and loads a bundle: the key set for which the root vouches, and the lists that say which codes are
// revoked and which grade each enterprise has. It remembers how new everything was that it has seen, so that nobody can hand it yesterday's
// list. It touches no network, no file and no clock.
package verify
