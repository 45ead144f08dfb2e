//go:build pkcs11

package signing

import (
	"crypto"
	"errors"
	"fmt"
	"strconv"
	"time"

	"healthcode/credential"

	"github.com/ThalesGroup/crypto11"
)

// sessions bounds how many signatures a token makes at once; sessionWait is how long one waits for its turn.
const (
	sessions    = 16
	sessionWait = 10 * time.Second
)

// tokenKey is a key in a hardware token.
type tokenKey struct {
	*credential.Key
	token *crypto11.Context
}

// Close logs out of the token.
func (k *tokenKey) Close() error {
	if err := k.token.Close(); err != nil {
		return fmt.Errorf("leave the token: %w", err)
	}
	return nil
}

// openPKCS11 finds the one key of a token. The token knows no number and no issuer: those of want are taken.
func openPKCS11(l Location, want credential.PublicKey) (Signer, error) {
	pin, err := credential.ReadPassphraseFile(l.Secret)
	if err != nil {
		return nil, fmt.Errorf("read the PIN: %w", err)
	}
	config := &crypto11.Config{Path: l.Path, TokenLabel: l.Token, TokenSerial: l.Serial, Pin: pin, MaxSessions: sessions, PoolWaitTimeout: sessionWait}
	if l.Slot != "" {
		slot, err := strconv.Atoi(l.Slot)
		if err != nil {
			return nil, fmt.Errorf("read the slot: %w", err)
		}
		config.SlotNumber = &slot
	}
	token, err := crypto11.Configure(config)
	if err != nil {
		return nil, fmt.Errorf("reach the token: %w", err)
	}
	key, err := wrapToken(token, l, want)
	if err != nil {
		return nil, errors.Join(err, token.Close())
	}
	return &tokenKey{key, token}, nil
}

func wrapToken(token *crypto11.Context, l Location, want credential.PublicKey) (*credential.Key, error) {
	private, err := findOne(token, l)
	if err != nil {
		return nil, err
	}
	found := want
	found.Material = private.Public()
	return credential.WrapSigner(found, time.Time{}, private)
}

func findOne(token *crypto11.Context, l Location) (crypto.Signer, error) {
	var id, label []byte
	if l.ID != "" {
		id = []byte(l.ID)
	}
	if l.Object != "" {
		label = []byte(l.Object)
	}
	found, err := token.FindKeyPairs(id, label)
	if err != nil {
		return nil, fmt.Errorf("look for the key: %w", err)
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("the token has %d keys of this label and id, want one", len(found))
	}
	return found[0], nil
}
