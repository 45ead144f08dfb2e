package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"healthcode/credential"
	"healthcode/schema"
)

// listName names one list.
type listName struct {
	kind   credential.ListKind
	number uint32
}

// listArray is one list in memory: what it says now, and its newest publication.
type listArray struct {
	listName
	entries []byte
	changed bool  // since the newest publication
	issued  int64 // when the youngest of its codes was issued, Unix seconds

	iat     time.Time // of the newest publication; zero: there is none
	kid     string
	content string
}

// listArrays is every list of the city. A million codes take 1.25 MiB.
type listArrays struct {
	named map[listName]*listArray
}

func newListArrays() *listArrays { return &listArrays{named: make(map[listName]*listArray)} }

// get returns a list, empty when nothing was put into it.
func (a *listArrays) get(name listName) *listArray {
	l := a.named[name]
	if l == nil {
		l = &listArray{listName: name, entries: make([]byte, name.kind.Bytes())}
		a.named[name] = l
	}
	return l
}

// put writes a code's place in both lists. A revoked or superseded code shows no grade: nobody may rely on it, and old codes take no room.
func (a *listArrays) put(e schema.ListEntry) {
	number, place := e.Index/credential.ListSize, e.Index%credential.ListSize
	status := a.get(listName{credential.ListStatus, number})
	part := place / 4
	before := status.entries[part]
	credential.PutStatus(status.entries, place, credential.Status(e.Status))
	status.changed = status.changed || status.entries[part] != before
	status.issued = max(status.issued, e.IssuedAt)

	grade := byte(0)
	if !e.Status.Final() {
		grade = credential.GradeByte(e.Colour, e.Tier)
	}
	grades := a.get(listName{credential.ListGrade, number})
	grades.changed = grades.changed || grades.entries[place] != grade
	grades.entries[place] = grade
	grades.issued = max(grades.issued, e.IssuedAt)
}

// published notes the newest publications of lists that were just built, and finds out which of them say something else now.
func (a *listArrays) published(heads []schema.ListToken) {
	for i := range heads {
		l := a.get(listName{credential.ListKind(heads[i].Kind), heads[i].Number})
		l.iat, l.kid, l.content = heads[i].IssuedAt, heads[i].KID, heads[i].Content
		l.changed = l.content != l.digest()
	}
}

func (l *listArray) digest() string {
	sum := sha256.Sum256(l.entries)
	return hex.EncodeToString(sum[:])
}

// due returns the lists to be published, status lists first.
func (a *listArrays) due(now time.Time, kid string) []*listArray {
	var found []*listArray
	for _, l := range a.named {
		if l.due(now, kid) {
			found = append(found, l)
		}
	}
	slices.SortFunc(found, func(x, y *listArray) int {
		if x.kind != y.kind {
			return strings.Compare(string(y.kind), string(x.kind))
		}
		return int(x.number) - int(y.number)
	})
	return found
}

// due: a list is published when it changed, when another key signed it, when its hour is nearly over, and when a code was issued since: a list
// says nothing about codes that are younger than itself, even if their place reads the same.
func (l *listArray) due(now time.Time, kid string) bool {
	younger := l.issued > l.iat.Unix() && l.issued <= now.Unix()
	return l.changed || younger || l.iat.IsZero() || l.kid != kid || now.Sub(l.iat) >= PublishEvery
}
