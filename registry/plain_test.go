package registry_test

import (
	"encoding/json"
	"testing"

	"healthcode/registry"

	"pgregory.net/rapid"
)

func TestPlainJSON(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\x7f甲\x{2028}\x{2029}\x{fffd}]{0,9}`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		one := text.Draw(t, "text")
		written, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := registry.PlainJSON(one), string(written) == `"`+one+`"`; got != want {
			t.Errorf("%q is written %s, said to be plain: %t", one, written, got)
		}
		if got := registry.AppendJSON([]byte("x"), one); string(got) != "x"+string(written) {
			t.Errorf("%q is appended as %s, want %s", one, got, written)
		}
	})
}
