package signing

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// The drivers.
const (
	DriverFile   = "file"
	DriverPKCS11 = "pkcs11"
	DriverUnix   = "unix"
)

// MaxLocation is how long a location may be, in bytes.
const MaxLocation = 2048

// ErrLocation means that a text does not say where a key is.
var ErrLocation = errors.New("not the location of a key")

// Location says where a private key is.
type Location struct {
	Driver string
	Path   string // of the key file, the socket, or the PKCS#11 module; absolute when it was parsed
	Secret string // the file with the passphrase or the PIN; empty for none

	// PKCS#11 only. Exactly one of Token, Serial and Slot chooses the token; Object and ID, one or both, choose the key in it.
	Token  string // label
	Serial string
	Slot   string // number in decimal
	Object string // label
	ID     string // bytes
}

// ParseLocation reads a location: see the package. PKCS#11 locations are URIs of RFC 7512 with the attributes token, serial, slot-id, object, id,
// type (private), module-path and pin-source; any other attribute, one given twice and pin-value (a secret) are refused. Every
// error wraps ErrLocation.
func ParseLocation(text string) (Location, error) {
	l, err := parseLocation(text)
	if err != nil {
		return Location{}, fmt.Errorf("%w: %w", ErrLocation, err)
	}
	return l, nil
}

func parseLocation(text string) (l Location, err error) {
	if len(text) > MaxLocation {
		return l, fmt.Errorf("%d bytes, more than %d", len(text), MaxLocation)
	}
	driver, rest, found := strings.Cut(text, ":")
	if !found {
		return l, errors.New("no driver: want file:, pkcs11: or unix: and a path")
	}
	path, query, _ := strings.Cut(rest, "?")
	l.Driver = driver
	switch driver {
	case DriverFile:
		if l.Path, err = unescape(path); err == nil {
			err = l.take(query, "&", map[string]*string{"passphrase-source": &l.Secret})
		}
	case DriverUnix:
		if l.Path, err = unescape(path); err == nil && strings.Contains(rest, "?") {
			err = errors.New("a socket has no query")
		}
	case DriverPKCS11:
		err = l.parsePKCS11(path, query)
	default:
		err = fmt.Errorf("%.20q is no driver: want file, pkcs11 or unix", driver)
	}
	if err != nil {
		return l, err
	}
	return l, l.check()
}

func (l *Location) parsePKCS11(path, query string) error {
	kind := ""
	err := l.take(path, ";", map[string]*string{"token": &l.Token, "serial": &l.Serial, "slot-id": &l.Slot, "object": &l.Object, "id": &l.ID, "type": &kind})
	if err != nil {
		return err
	}
	if kind != "" && kind != "private" {
		return errors.New("type is not private")
	}
	if strings.Contains(query, "pin-value") {
		return errors.New("a PIN does not belong in a location: name its file with pin-source")
	}
	return l.take(query, "&", map[string]*string{"module-path": &l.Path, "pin-source": &l.Secret})
}

// take reads attributes, each at most once and none that is not known.
func (l *Location) take(text, separator string, known map[string]*string) error {
	if text == "" {
		return nil
	}
	for attribute := range strings.SplitSeq(text, separator) {
		name, value, _ := strings.Cut(attribute, "=")
		into := known[name]
		if into == nil {
			return fmt.Errorf("attribute %.20q is not known or stands twice", name)
		}
		var err error
		if *into, err = unescape(value); err != nil {
			return err
		}
		if *into == "" {
			return fmt.Errorf("attribute %s is empty", name)
		}
		known[name] = nil
	}
	return nil
}

func unescape(text string) (string, error) {
	out, err := url.PathUnescape(text)
	if err != nil {
		return "", errors.New("a percent sign without two hexadecimal digits")
	}
	return out, nil
}

// check says what is missing or wrong.
func (l *Location) check() error {
	l.Secret = strings.TrimPrefix(l.Secret, "file:") // RFC 7512 writes a pin-source as a URI
	for name, path := range map[string]string{"path": l.Path, "secret": l.Secret} {
		if strings.ContainsAny(path, "\x00\r\n") || path != "" && !strings.HasPrefix(path, "/") {
			return fmt.Errorf("the %s is not an absolute path", name)
		}
	}
	if l.Driver != DriverPKCS11 {
		if l.Path == "" {
			return errors.New("it has no path")
		}
		return nil
	}
	chosen := 0
	for _, by := range []string{l.Token, l.Serial, l.Slot} {
		if by != "" {
			chosen++
		}
	}
	switch {
	case l.Path == "":
		return errors.New("module-path is missing: the library that the maker of the token delivers")
	case l.Secret == "":
		return errors.New("pin-source is missing: the file that holds the PIN")
	case chosen != 1:
		return errors.New("want exactly one of token, serial and slot-id")
	case l.Object == "" && l.ID == "":
		return errors.New("want object, id or both")
	}
	if n, err := strconv.ParseUint(l.Slot, 10, 31); l.Slot != "" && (err != nil || strconv.FormatUint(n, 10) != l.Slot) {
		return errors.New("slot-id is no number")
	}
	return nil
}

// String writes a location as ParseLocation reads it.
func (l Location) String() string {
	switch l.Driver {
	case DriverFile:
		return "file:" + escape(l.Path) + attributes("?", "&", [][2]string{{"passphrase-source", l.Secret}})
	case DriverUnix:
		return "unix:" + escape(l.Path)
	case DriverPKCS11:
		return "pkcs11:" + attributes("", ";", [][2]string{{"token", l.Token}, {"serial", l.Serial}, {"slot-id", l.Slot}, {"object", l.Object}, {"id", l.ID}}) +
			attributes("?", "&", [][2]string{{"module-path", l.Path}, {"pin-source", l.Secret}})
	}
	return ""
}

// attributes writes those that are set.
func attributes(before, between string, list [][2]string) string {
	var text strings.Builder
	for _, a := range list {
		if a[1] == "" {
			continue
		}
		text.WriteString(before + a[0] + "=" + escape(a[1]))
		before = between
	}
	return text.String()
}

// escape writes every byte that may mean something in a location as %XX.
func escape(text string) string {
	var out strings.Builder
	for i := range len(text) {
		c := text[i]
		letter, digit := c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9'
		if letter || digit || strings.IndexByte("/-._~", c) >= 0 {
			out.WriteByte(c)
			continue
		}
		out.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return out.String()
}
