package access

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"
)

// ErrWebhookURL means that an address cannot be one of a webhook.
var ErrWebhookURL = errors.New("not an address for a webhook")

const maxWebhookURL = 1024

// NewWebhookID makes the identifier of a webhook: wh_ and 20 hex digits.
func NewWebhookID() string {
	var bytes [10]byte
	rand.Read(bytes[:]) // crypto/rand.Read never fails: it crashes the program instead (Go 1.24)
	return "wh_" + hex.EncodeToString(bytes[:])
}

// NewWebhookSecret makes a secret of 256 bits in the form of Standard Webhooks: whsec_ and base64.
func NewWebhookSecret() string {
	var bytes [32]byte
	rand.Read(bytes[:])
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes[:])
}

// PurposeWebhook is the purpose for which the secrets of a webhook are sealed.
func PurposeWebhook(id string) string { return "webhook " + id }

// CheckWebhookURL refuses what can be no webhook's address, with ErrWebhookURL: it wants https, or http to an address of an allowed network, and neither
// a name, a password nor a fragment. An address in numbers must be public or allowed; where a name leads is checked each time it is used.
func CheckWebhookURL(text string, allowed []netip.Prefix) error {
	if len(text) > maxWebhookURL || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fmt.Errorf("%w: too long, or not one line without blanks", ErrWebhookURL)
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || u.User != nil || strings.Contains(text, "#") {
		return fmt.Errorf("%w: want https://host/path, without user and fragment", ErrWebhookURL)
	}
	address, err := netip.ParseAddr(u.Hostname())
	numbers := err == nil
	within := numbers && Within(allowed, address)
	switch {
	case u.Scheme == "http" && (within || !numbers && len(allowed) > 0):
	case u.Scheme != "https":
		return fmt.Errorf("%w: want https", ErrWebhookURL)
	case numbers && !within && !PublicAddress(address):
		return fmt.Errorf("%w: the address is not a public one", ErrWebhookURL)
	}
	return nil
}
