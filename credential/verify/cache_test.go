package verify

import (
	"strconv"
	"testing"

	"healthcode/credential"
)

// However many codes are shown, a cache holds no more than twice its size; what is shown again and again stays.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c cache
	always := &credential.Proven{}
	c.put("always", always)
	for i := range 5 * cacheSize {
		c.put(strconv.Itoa(i), &credential.Proven{})
		if c.get("always") != always {
			t.Fatalf("lost after %d others", i)
		}
		if held := len(c.young) + len(c.old); held > 2*cacheSize {
			t.Fatalf("%d held", held)
		}
	}
	if c.get("0") != nil || c.get(strconv.Itoa(5*cacheSize-1)) == nil || c.get("never") != nil {
		t.Error("it keeps the oldest, or loses the newest, or invents one")
	}
}
