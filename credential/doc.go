// Package credential makes and checks health codes: the signing keys and their public set, the one signed token and its two
// forms (an ordinary JWT, and 220 digits that fit a small QR code), the verdict about a scanned text, and QR images.
//
// A code is an ordinary JWT whose header and payload are a pure function of a Code and its key. So the printed form carries
// only the Code and the signature, and a verifier rebuilds the exact token before it checks it: see Issue and Verify.
// docs/formats.md specifies every byte.
//
// The package touches no network and no database and never reads the clock: time is a parameter.
package credential
