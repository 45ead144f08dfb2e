package api

import (
	"encoding/json"
	"fmt"
	"time"

	"healthcode/registry"
)

// answerRoom is room for the usual answer, in bytes.
const answerRoom = 896

// MarshalJSON joins the verdict's own members and ours into one object.
func (a VerdictAnswer) MarshalJSON() ([]byte, error) { return a.appendJSON(nil) }

// appendJSON appends what MarshalJSON returns, without reflection: this is the answer that servers write most.
func (a *VerdictAnswer) appendJSON(dst []byte) ([]byte, error) {
	if dst == nil {
		dst = make([]byte, 0, answerRoom)
	}
	dst = a.Verdict.AppendJSON(dst)
	dst = append(a.CheckedAt.AppendFormat(append(dst[:len(dst)-1], `,"checked_at":"`...), time.RFC3339Nano), '"')
	if e := a.Enterprise; e != nil {
		dst = registry.AppendJSON(append(dst, `,"enterprise":{"uscc":`...), string(e.USCC))
		dst = registry.AppendJSON(append(dst, `,"name":`...), e.Name)
		dst = append(registry.AppendJSON(append(dst, `,"region":`...), e.Region), '}')
	}
	if a.purpose == "" { // whoever names a purpose is told what it may know, in another member
		dst = a.appendPublic(dst)
	}
	if a.Copied {
		dst = append(dst, `,"scanned_in_many_places":true`...)
	}
	if a.purpose != "" {
		dst = registry.AppendJSON(append(dst, `,"purpose":`...), string(a.purpose))
	}
	if a.told != nil {
		told, err := json.Marshal(a.told)
		if err != nil {
			return nil, fmt.Errorf("write what the purpose may know: %w", err)
		}
		dst = append(append(dst, `,"disclosed":`...), told...)
	}
	return append(dst, '}'), nil
}

// appendPublic appends what everybody may know of the live record: a PublicTold and a ReplyTold.
func (a *VerdictAnswer) appendPublic(dst []byte) []byte {
	if g := a.Grade; g != nil {
		dst = registry.AppendJSON(append(dst, `,"grade":{"tier":`...), g.Tier.String())
		dst = registry.AppendJSON(append(dst, `,"colour":`...), g.Colour.String())
		dst = append(registry.AppendJSON(append(dst, `,"as_of":`...), g.AsOf.String()), '}')
	}
	if r := a.Statement; r != nil {
		dst = registry.AppendJSON(append(dst, `,"statement":{"text":`...), r.Text)
		dst = registry.AppendJSON(append(dst, `,"on":`...), r.On.String())
		dst = append(dst, `,"verified":false}`...)
	}
	return dst
}
