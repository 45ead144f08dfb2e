package access_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"healthcode/access"

	"github.com/pquerna/otp/totp"
)

func TestPasswords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		password, login string
		want            error
	}{
		"four words":          {"correct horse battery", "zhang", nil},
		"Chinese":             {"南湖区市场监管局二〇二六年密码", "zhang", nil},
		"too short":           {"short-pass1", "zhang", access.ErrPasswordLength},
		"too long":            {strings.Repeat("ab9-", 33), "zhang", access.ErrPasswordLength},
		"not UTF-8":           {"correct horse \xff battery", "zhang", access.ErrPasswordLength},
		"one character":       {"aaaaaaaaaaaaaaaa", "zhang", access.ErrPasswordSimple},
		"counting":            {"1234567890123456", "zhang", access.ErrPasswordSimple},
		"the alphabet":        {"abcdefghijklmnop", "zhang", access.ErrPasswordSimple},
		"holds the name":      {"my-Zhang-is-my-castle", "zhang", access.ErrPasswordSimple},
		"twelve and no login": {"kd83-xq1m/27", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := access.CheckPassword(c.password, c.login); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestPasswordFits(t *testing.T) {
	t.Parallel()
	hash, err := access.HashPassword("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		password, hash string
		want           bool
	}{
		"the right one": {"correct horse battery", hash, true},
		"another":       {"correct horse batterz", hash, false},
		"empty":         {"", hash, false},
		"nobody's":      {"correct horse battery", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fits, err := access.PasswordFits(c.password, c.hash)
			if err != nil || fits != c.want {
				t.Errorf("%t, %v", fits, err)
			}
		})
	}
	if _, err := access.PasswordFits("x", "$argon2id$broken"); err == nil {
		t.Error("a broken hash is no error")
	}
}

func TestLockedUntil(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	for failures, want := range map[int]time.Duration{0: 0, 4: 0, 5: time.Minute, 6: 2 * time.Minute, 10: 32 * time.Minute, 11: time.Hour, 1 << 40: time.Hour} {
		if got := access.LockedUntil(failures, last).Sub(last); got != want {
			t.Errorf("%d failures: %s, want %s", failures, got, want)
		}
	}
}

func TestTOTP(t *testing.T) {
	t.Parallel()
	secret, now := access.NewTOTP(), time.Unix(1795314810, 0)
	code := func(at time.Time) string {
		text, err := totp.GenerateCode(secret, at) // what an authenticator app computes
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	step := now.Unix() / 30
	for name, c := range map[string]struct {
		code string
		last int64
		want bool
	}{
		"now":                 {code(now), 0, true},
		"half a minute early": {code(now.Add(30 * time.Second)), 0, true},
		"half a minute late":  {code(now.Add(-30 * time.Second)), 0, true},
		"a minute late":       {code(now.Add(-60 * time.Second)), 0, false},
		"used already":        {code(now), step, false},
		"too short":           {code(now)[:5], 0, false},
		"empty":               {"", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok, err := access.CheckTOTP(secret, c.code, now, c.last)
			if err != nil || ok != c.want || ok && got < step-1 {
				t.Errorf("%t at step %d, %v", ok, got, err)
			}
		})
	}
	if link := access.TOTPLink("健康码", "zhang", secret); !strings.HasPrefix(link, "otpauth://totp/") || !strings.Contains(link, secret) {
		t.Error(link)
	}
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	key := access.NewAPIKey()
	text := key.Text()
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"whole":                  {text, true},
		"without mark":           {text[4:], false},
		"cut":                    {text[:len(text)-1], false},
		"longer":                 {text + "A", false},
		"capitals in the prefix": {"hck_" + strings.ToUpper("abcdef0123") + text[14:], false},
		"another sign":           {text[:20] + "+" + text[21:], false},
		"empty":                  {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := access.ParseAPIKey(c.text)
			if ok != c.want || ok && got != key {
				t.Errorf("%t", ok)
			}
		})
	}
	if shown := fmt.Sprintf("%v %s", key, key.Secret); strings.Contains(shown, string(key.Secret)) {
		t.Error("a printed key shows its secret")
	}
	if len(key.Secret.Hash()) != 64 || key.Secret.Hash() == access.NewSecret().Hash() {
		t.Error("hashes are not told apart")
	}
}

func FuzzParseAPIKey(f *testing.F) {
	f.Add(access.NewAPIKey().Text())
	f.Add("hck_0123456789_")
	f.Fuzz(func(t *testing.T, text string) {
		if key, ok := access.ParseAPIKey(text); ok && key.Text() != text {
			t.Errorf("%q is read as %q", text, key.Text())
		}
	})
}
