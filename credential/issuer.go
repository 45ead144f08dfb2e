package credential

import (
	"errors"
	"fmt"
	"strings"
)

// MaxIssuerLength keeps every printed code within MaxQRText characters: issuer, "/v/", 220 digits.
const MaxIssuerLength = MaxQRText - len(codePath) - PackedDigits

// codePath stands between an issuer and its codes.
const codePath = "/v/"

// ErrIssuer means that a text is not an issuer.
var ErrIssuer = errors.New("an issuer is https://HOST in small letters, without a path, at most 32 characters")

// CheckIssuer says what is wrong with an issuer, or nil. It is https://HOST or https://HOST:PORT in small ASCII letters, because it
// is compared byte by byte and stands in every QR code. http:// is allowed for this machine only, where nobody else can read
// it: http://localhost:8080, http://127.0.0.1:8080.
func CheckIssuer(issuer string) error {
	if len(issuer) > MaxIssuerLength {
		return fmt.Errorf("%w: it has %d characters", ErrIssuer, len(issuer))
	}
	host, secure := strings.CutPrefix(issuer, "https://")
	if !secure {
		var plain bool
		host, plain = strings.CutPrefix(issuer, "http://")
		if !plain || !isLoopback(host) {
			return fmt.Errorf("%w: it does not begin with https://", ErrIssuer)
		}
	}
	if strings.ToLower(host) != host || !isHost(host) {
		return fmt.Errorf("%w: the host is not a name in small letters", ErrIssuer)
	}
	return nil
}

func isLoopback(host string) bool {
	name, _, _ := strings.Cut(host, ":")
	return name == "localhost" || name == "127.0.0.1"
}

// isHost reports whether text is a host name or IPv4 address with an optional port. An internationalised name is written in
// its ASCII form (xn--…), since scanners guess at anything else.
func isHost(text string) bool {
	name, port, hasPort := strings.Cut(text, ":")
	if hasPort && (len(port) == 0 || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || !isLabel(label) {
			return false
		}
	}
	return true
}

func isLabel(label string) bool {
	for i := range len(label) {
		c := label[i]
		if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
