package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
)

//go:embed static
var staticFiles embed.FS

// StaticPrefix is where assets are served. The content hash is part of each path, so an answer may be cached for ever.
const StaticPrefix = "/static/"

// ErrAsset is the reason for an asset that does not exist.
var ErrAsset = errors.New("no such asset")

// Asset is a static file with its gzip form, made once at start.
type Asset struct {
	Name        string
	ContentType string
	Body        []byte
	Gzip        []byte
	SHA256      string // hex
}

// AssetSet finds assets by name and by path.
type AssetSet struct {
	byName map[string]*Asset
	byPath map[string]*Asset // "hash/name"
}

var contentTypes = map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

// Assets returns the embedded assets.
var Assets = sync.OnceValues(func() (*AssetSet, error) { return newAssets(staticFiles) })

func newAssets(files fs.FS) (*AssetSet, error) {
	set := &AssetSet{byName: map[string]*Asset{}, byPath: map[string]*Asset{}}
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	for _, entry := range entries {
		if contentTypes[path.Ext(entry.Name())] == "" {
			continue // the notes beside the assets
		}
		asset, err := readAsset(files, entry.Name())
		if err != nil {
			return nil, err
		}
		set.byName[asset.Name] = asset
		set.byPath[asset.path()] = asset
	}
	return set, nil
}

func readAsset(files fs.FS, name string) (*Asset, error) {
	body, err := fs.ReadFile(files, "static/"+name)
	if err != nil {
		return nil, fmt.Errorf("read asset: %w", err)
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("pack asset %s: %w", name, err)
	}
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("pack asset %s: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack asset %s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	return &Asset{Name: name, ContentType: contentTypes[path.Ext(name)], Body: body, Gzip: packed.Bytes(), SHA256: hex.EncodeToString(sum[:])}, nil
}

func (a *Asset) path() string { return a.SHA256[:16] + "/" + a.Name }

// URL returns the path at which an asset is served.
func (s *AssetSet) URL(name string) (string, error) {
	asset, ok := s.byName[name]
	if !ok {
		return "", fmt.Errorf("%w: %q", ErrAsset, name)
	}
	return StaticPrefix + asset.path(), nil
}

// Lookup returns the asset at a path below StaticPrefix ("hash/name"). An old hash finds nothing.
func (s *AssetSet) Lookup(hashAndName string) (*Asset, bool) {
	asset, ok := s.byPath[hashAndName]
	return asset, ok
}
