package credential_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"healthcode/credential"
)

func TestUnixSeconds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at time.Time
		ok bool
	}{
		"the first second":     {time.Unix(0, 0), true},
		"the last second":      {time.Unix(math.MaxUint32, 999_999_999), true},
		"before 1970":          {time.Unix(-1, 999_999_999), false},
		"after 2106":           {time.Unix(math.MaxUint32+1, 0), false},
		"no time":              {time.Time{}, false},
		"any time zone counts": {issuedAt.In(time.FixedZone("CST", 8*3600)), true},
	} {
		got, err := credential.UnixSeconds(c.at)
		if c.ok && (err != nil || int64(got) != c.at.Unix()) || !c.ok && !errors.Is(err, credential.ErrCode) {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
}

func TestCodeTimes(t *testing.T) {
	t.Parallel()
	code := testCode()
	if !code.Issued().Equal(issuedAt) || !code.Expires().Equal(issuedAt.AddDate(1, 0, 0)) || code.Issued().Location() != time.UTC {
		t.Errorf("issued %v, expires %v", code.Issued(), code.Expires())
	}
}

func TestKeyWithADateThatDoesNotFitIsNotWritten(t *testing.T) {
	t.Parallel()
	good := *mustKey(t, 1, testIssuer, 1).PublicKey()
	for name, change := range map[string]func(*credential.PublicKey){
		"begins before 1970": func(k *credential.PublicKey) { k.NotBefore = time.Unix(-5, 0) },
		"ends after 2106":    func(k *credential.PublicKey) { k.NotAfter = time.Unix(math.MaxUint32+1, 0) },
		"no number":          func(k *credential.PublicKey) { k.Number = 0 },
	} {
		key := good
		change(&key)
		if text, err := json.Marshal(&key); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
}
