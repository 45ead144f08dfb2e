package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"healthcode/credential"
	"healthcode/schema"
)

// Why there is no bundle to give. Each says what to do.
var (
	ErrNoKeySet   = errors.New("the root has not signed the key set yet: healthcode keys root new, sign and add")
	ErrOldKeySet  = errors.New("what the root signed has expired or lacks the key that signs now: healthcode keys root sign and add")
	ErrNoLists    = errors.New("no current list is published: run healthcode serve, or wait a moment")
	errBundleRead = errors.New("the bundle did not verify after signing")
)

// Bundle makes the bundle that verifiers take along: the key set that the root signed, the newest lists, and a manifest that binds them.
type Bundle struct {
	DB     *schema.DB
	Signer credential.Signer // the active key, or the root
	Clock  func() time.Time

	mu     sync.Mutex
	made   *Bundled
	source string // what the last one was made of
}

// Bundled is a bundle as it is handed out.
type Bundled struct {
	Body      []byte
	Digest    string             // SHA-256 of the body, hexadecimal
	Lists     []schema.ListToken // heads
	IssuedAt  time.Time          // of the manifest
	ExpiresAt time.Time          // of the first list that ends
	KeySetEnd time.Time
}

// Oldest returns when the oldest of the lists was published.
func (b *Bundled) Oldest() time.Time {
	oldest := b.Lists[0].IssuedAt
	for _, l := range b.Lists {
		if l.IssuedAt.Before(oldest) {
			oldest = l.IssuedAt
		}
	}
	return oldest
}

// Newest returns the bundle of what is published now. One that was made of the same lists and key set is returned again. ErrNoKeySet, ErrOldKeySet
// and ErrNoLists say what is missing.
func (j *Bundle) Newest(ctx context.Context) (*Bundled, error) {
	set, err := j.DB.SignedKeySet(ctx)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoKeySet
	}
	if err != nil {
		return nil, err
	}
	if !j.Clock().Before(set.ExpiresAt) {
		return nil, ErrOldKeySet
	}
	heads, err := j.DB.ListHeads(ctx)
	if err != nil {
		return nil, err
	}
	if !current(heads, j.Clock()) {
		return nil, ErrNoLists
	}
	signer, err := pinned(ctx, j.Signer)
	if err != nil {
		return nil, fmt.Errorf("find the key that signs: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	source := fmt.Sprint(set.IssuedAt.Unix(), signer.PublicKey().ID(), heads)
	if j.made != nil && j.source == source {
		return j.made, nil
	}
	made, err := j.make(ctx, signer, set, heads)
	if err != nil {
		return nil, err
	}
	j.made, j.source = made, source
	return made, nil
}

// make signs a bundle and reads it the way a verifier does before it leaves.
func (j *Bundle) make(ctx context.Context, signer credential.Signer, set *schema.SignedKeySet, heads []schema.ListToken) (*Bundled, error) {
	at := j.Clock()
	tokens := make([]string, len(heads))
	for i, head := range heads {
		list, err := j.DB.ListToken(ctx, head.Kind, head.Number, head.IssuedAt)
		if err != nil {
			return nil, err
		}
		tokens[i] = list.Token
		if head.IssuedAt.After(at) {
			at = head.IssuedAt
		}
	}
	body, err := credential.SignBundle(signer, set.Token, tokens, at)
	if err != nil {
		return nil, fmt.Errorf("sign the bundle: %w", err)
	}
	root, err := j.root(ctx)
	if err != nil {
		return nil, err
	}
	read, err := credential.ParseBundle(body, root)
	if errors.Is(err, credential.ErrUnknownKey) {
		return nil, fmt.Errorf("%w: %w", ErrOldKeySet, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBundleRead, err)
	}
	sum := sha256.Sum256(body)
	return &Bundled{Body: body, Digest: hex.EncodeToString(sum[:]), Lists: heads, IssuedAt: read.IssuedAt, ExpiresAt: read.ExpiresAt, KeySetEnd: set.ExpiresAt}, nil
}

// current reports whether every list still counts, and there is one.
func current(heads []schema.ListToken, now time.Time) bool {
	for _, head := range heads {
		if !now.Before(head.IssuedAt.Add(credential.ListLifetime)) {
			return false
		}
	}
	return len(heads) > 0
}

func (j *Bundle) root(ctx context.Context) (*credential.Root, error) {
	stored, err := j.DB.Root(ctx)
	if err != nil {
		return nil, err
	}
	root, err := credential.ParseRoot([]byte(stored.JWK))
	if err != nil {
		return nil, fmt.Errorf("read the root key: %w", err)
	}
	return root, nil
}
