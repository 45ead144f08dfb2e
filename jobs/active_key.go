package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"healthcode/credential"
	"healthcode/schema"
	"healthcode/signing"
)

// Keys reaches the private keys. signing.Folder satisfies it.
type Keys interface {
	// Open opens a registered key.
	Open(ctx context.Context, want credential.PublicKey) (signing.Signer, error)
	// Make makes the file of a new key, or finds that of one that was made before a crash: then made is false.
	Make(number uint8, alg credential.Algorithm, issuer string, at time.Time) (key *credential.Key, made bool, err error)
	// Discard removes the file of a key that Make made and nobody registered.
	Discard(number uint8) error
}

// ErrNoActiveKey says that no key signs.
var ErrNoActiveKey = errors.New("no key signs: activate one (healthcode keys list)")

const (
	// keyFresh is how old the knowledge of which key signs may be.
	keyFresh = time.Second
	// keyGrace is how long a key that signed before stays open: work that is under way comes to its end.
	keyGrace = time.Minute
)

// ActiveKey is the key that signs, whichever that is now: it follows the database, so that a rotation needs no restart and a key that was
// compromised signs nothing more. Work of several steps takes the key of one moment: see Pin.
type ActiveKey struct {
	db   *schema.DB
	keys Keys
	alg  credential.Algorithm // "": see choose

	mu      sync.Mutex
	checked time.Time // by this process's steady clock
	row     schema.SigningKey
	signer  signing.Signer
	fault   error // why nothing is signed
	left    []leftKey
}

// leftKey is a key that signed before.
type leftKey struct {
	signer signing.Signer
	since  time.Time
}

var _ credential.Signer = (*ActiveKey)(nil)

// OpenActiveKey opens the key that signs with an algorithm. Without one ("") that of ES256 is taken, or if there is none the one with the lowest
// number. ErrNoActiveKey when none signs.
func OpenActiveKey(ctx context.Context, db *schema.DB, keys Keys, alg credential.Algorithm) (*ActiveKey, error) {
	k := &ActiveKey{db: db, keys: keys, alg: alg}
	if err := k.Refresh(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// Refresh looks which key signs and opens it. When it cannot, nothing is signed until it can.
func (k *ActiveKey) Refresh(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refresh(ctx)
}

func (k *ActiveKey) refresh(ctx context.Context) error {
	rows, err := k.db.Keys(ctx)
	if err != nil {
		return fmt.Errorf("look which key signs: %w", err) // who signed goes on
	}
	k.checked = time.Now()
	err = k.closeLeft(keyGrace)
	row := choose(rows, k.alg)
	if row == nil {
		k.leave()
		k.fault = ErrNoActiveKey
		if k.alg != "" {
			k.fault = fmt.Errorf("%w with %s", ErrNoActiveKey, k.alg)
		}
		return errors.Join(err, k.fault)
	}
	if k.signer != nil && k.row.JWK == row.JWK {
		k.row, k.fault = *row, nil
		return err
	}
	k.leave()
	k.signer, k.fault = openRow(ctx, k.keys, row)
	if k.fault != nil {
		k.signer = nil
	}
	k.row = *row
	return errors.Join(err, k.fault)
}

// openRow opens the private key of a row.
func openRow(ctx context.Context, keys Keys, row *schema.SigningKey) (signing.Signer, error) {
	public, err := row.Public()
	if err != nil {
		return nil, err
	}
	signer, err := keys.Open(ctx, public)
	if err != nil {
		return nil, fmt.Errorf("key %s of the database cannot be opened here: put its file in its place, or name the folder with --dir: %w", row.KID, err)
	}
	return signer, nil
}

// leave puts the key aside that signed before.
func (k *ActiveKey) leave() {
	if k.signer != nil {
		k.left, k.signer = append(k.left, leftKey{k.signer, time.Now()}), nil
	}
}

// closeLeft closes the keys that were put aside so long ago.
func (k *ActiveKey) closeLeft(grace time.Duration) error {
	var errs []error
	k.left = slices.DeleteFunc(k.left, func(l leftKey) bool {
		done := time.Since(l.since) >= grace
		if done {
			errs = append(errs, l.signer.Close())
		}
		return done
	})
	return errors.Join(errs...)
}

// choose returns the key that signs with an algorithm; without one ES256's, or else that of the lowest number. nil for none.
func choose(rows []schema.SigningKey, alg credential.Algorithm) (found *schema.SigningKey) {
	for i := range rows {
		row := &rows[i]
		switch {
		case row.State != schema.KeyActive || alg != "" && row.Alg != string(alg):
		case found == nil || row.Alg == string(credential.ES256):
			found = row
		}
	}
	return found
}

// Pin returns the key that signs now, which stays the same for the work that is begun with it. ErrNoActiveKey and whatever opening it gives.
func (k *ActiveKey) Pin(ctx context.Context) (credential.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.checked) >= keyFresh {
		if err := k.refresh(ctx); err != nil {
			return nil, err
		}
	}
	if k.fault != nil {
		return nil, k.fault
	}
	return k.signer, nil
}

// PublicKey returns the key that signs.
func (k *ActiveKey) PublicKey() *credential.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.signer == nil { // it cannot be opened: its public half is known all the same
		public, err := k.row.Public()
		if err != nil {
			return &credential.PublicKey{}
		}
		return &public
	}
	return k.signer.PublicKey()
}

// Sign signs with the key of this moment.
func (k *ActiveKey) Sign(input string) (credential.Signature, error) {
	k.mu.Lock()
	signer, fault := k.signer, k.fault
	k.mu.Unlock()
	if fault != nil {
		return credential.Signature{}, fault
	}
	return signer.Sign(input)
}

// Close closes the key.
func (k *ActiveKey) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leave()
	k.fault = ErrNoActiveKey
	return k.closeLeft(0)
}

// pinner is a signer that may change.
type pinner interface {
	Pin(ctx context.Context) (credential.Signer, error)
}

// pinned returns a signer that stays the same for the work that is begun with it.
func pinned(ctx context.Context, signer credential.Signer) (credential.Signer, error) {
	if k, ok := signer.(pinner); ok {
		return k.Pin(ctx)
	}
	return signer, nil
}
