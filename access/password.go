package access

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
)

// The length of a password in characters (NIST SP 800-63B section 3.1.1: length rather than classes of characters).
const (
	MinPassword = 12
	MaxPassword = 128
)

// Why a password is not taken.
var (
	ErrPasswordLength = errors.New("a password has 12 to 128 characters")
	ErrPasswordSimple = errors.New("the password repeats a few characters, counts up, or holds the login name")
)

// CheckPassword says why a password may not be used, or nil.
func CheckPassword(password, login string) error {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword || !utf8.ValidString(password) {
		return ErrPasswordLength
	}
	different := map[rune]bool{}
	steps := map[rune]int{}
	var last rune
	for _, r := range password {
		different[r] = true
		steps[r-last]++
		last = r
	}
	counting := max(steps[0], steps[1], steps[-1])
	if len(different) < 5 || counting > utf8.RuneCountInString(password)/2 || login != "" && strings.Contains(strings.ToLower(password), strings.ToLower(login)) {
		return ErrPasswordSimple
	}
	return nil
}

// passwordCost is argon2id with 32 MiB and three passes: dearer than OWASP's least, and some 50 ms. Whoever calls bounds how many run at once.
var passwordCost = &argon2id.Params{Memory: 32 << 10, Iterations: 3, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// HashPassword returns the PHC string of a password, with its cost and a random salt.
func HashPassword(password string) (string, error) {
	hash, err := argon2id.CreateHash(password, passwordCost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// nobodysHash is compared with when a login name is unknown, so that the answer takes as long as for a known one.
const nobodysHash = "$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// PasswordFits reports whether the password is the hash's. The empty hash is nobody's: it takes as long and never fits.
func PasswordFits(password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = nobodysHash
	}
	fits, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return false, fmt.Errorf("compare password: %w", err)
	}
	return fits && known, nil
}

// The lockout of an account after failures in a row, so that guessing takes years and a person who errs waits a minute.
const (
	freeFailures  = 5
	firstLockout  = time.Minute
	longestLocked = time.Hour
)

// LockedUntil returns when another attempt is looked at: at once for the first failures, then a minute after the last one, doubling up to
// an hour.
func LockedUntil(failures int, last time.Time) time.Time {
	if failures < freeFailures {
		return last
	}
	wait := firstLockout
	for range failures - freeFailures {
		if wait *= 2; wait >= longestLocked {
			return last.Add(longestLocked)
		}
	}
	return last.Add(wait)
}
