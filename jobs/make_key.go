package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"healthcode/credential"
	"healthcode/schema"
)

// ErrNoNumber says that all 255 numbers of keys are used up.
var ErrNoNumber = errors.New("no number is left for a new key: 255 were used")

// NextKeyNumber returns the number of the next key, or ErrNoNumber.
func NextKeyNumber(ctx context.Context, db *schema.DB) (uint8, error) {
	rows, err := db.Keys(ctx)
	if err != nil {
		return 0, err
	}
	return numberAfter(rows)
}

func numberAfter(rows []schema.SigningKey) (uint8, error) {
	number := 1
	for i := range rows {
		number = max(number, rows[i].Number+1)
	}
	if number > 255 {
		return 0, ErrNoNumber
	}
	return uint8(number), nil
}

// MakeKey makes the file of a key under the next number and registers it as pending from plan.CreatedAt on. The file comes first, so that a process
// that is killed leaves no key without one; the next call finds it. schema.ErrConflict when another process took the number.
func MakeKey(ctx context.Context, db *schema.DB, keys Keys, alg credential.Algorithm, issuer string, plan credential.KeyLife) (number uint8, err error) {
	if number, err = NextKeyNumber(ctx, db); err != nil {
		return 0, err
	}
	return number, makeNumbered(ctx, db, keys, number, alg, issuer, plan)
}

func makeNumbered(ctx context.Context, db *schema.DB, keys Keys, number uint8, alg credential.Algorithm, issuer string, plan credential.KeyLife) error {
	key, made, err := keys.Make(number, alg, issuer, plan.CreatedAt)
	if errors.Is(err, fs.ErrNotExist) { // another process of this folder has just discarded it, because it lost the number
		return fmt.Errorf("%w: number %d is another key's", schema.ErrConflict, number)
	}
	if err != nil {
		return err
	}
	err = RegisterKey(ctx, db, key.PublicKey(), schema.DriverFile, plan)
	if errors.Is(err, schema.ErrConflict) && made {
		return errors.Join(err, keys.Discard(number))
	}
	return err
}

// RegisterKey registers a key as pending. schema.ErrConflict when its number is another key's, or the key is registered under another number.
func RegisterKey(ctx context.Context, db *schema.DB, public *credential.PublicKey, driver string, plan credential.KeyLife) error {
	jwk, err := json.Marshal(public)
	if err != nil {
		return fmt.Errorf("write the public key: %w", err)
	}
	return db.AddKey(ctx, schema.SigningKey{Number: int(public.Number), KID: public.ID(), Alg: string(public.Algorithm), JWK: string(jwk), Driver: driver, KeyLife: plan})
}

// nextKey returns the key that is to sign after another at once: one that waits and can be opened here (unless fresh), or a new one, for which
// nobody was told in time. 0 where only a person can make one: the key is in no file.
func nextKey(ctx context.Context, db *schema.DB, keys Keys, row *schema.SigningKey, fresh bool, now time.Time) (int, error) {
	rows, err := db.Keys(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for the next key: %w", err)
	}
	for i := range rows {
		if rows[i].State == schema.KeyPending && rows[i].Alg == row.Alg && !fresh && opens(ctx, keys, &rows[i]) {
			return rows[i].Number, nil
		}
	}
	if row.Driver != schema.DriverFile {
		return 0, nil
	}
	public, err := row.Public()
	if err != nil {
		return 0, err
	}
	plan := credential.KeyLife{CreatedAt: now, PlannedFrom: now, PlannedUntil: now.Add(credential.KeyLifetime)}
	number, err := MakeKey(ctx, db, keys, public.Algorithm, public.Issuer, plan)
	if err != nil {
		return 0, fmt.Errorf("make the next key: %w", err)
	}
	return int(number), nil
}

// opens reports whether this process can sign with a key.
func opens(ctx context.Context, keys Keys, row *schema.SigningKey) bool {
	signer, err := openRow(ctx, keys, row)
	return err == nil && signer.Close() == nil
}
