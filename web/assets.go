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
	"maps"
	"path"
	"slices"
	"sync"
)

//go:embed static
var staticFiles embed.FS

// StaticPrefix is where assets are served. The content hash is part of each path, so an answer may be cached for ever.
const StaticPrefix = "/static/"

// CheckerFolder holds what the checker at /verify loads. The files of a folder share one hash, that of them all: modules import each other by
// relative names, and no page ever mixes two versions.
const CheckerFolder = "verify"

// ErrAsset is the reason for an asset that does not exist.
var ErrAsset = errors.New("no such asset")

// Asset is a static file with its gzip form, made once at start.
type Asset struct {
	Name        string // with its folder, if any
	ContentType string
	Body        []byte
	Gzip        []byte
	SHA256      string // of the file, hex
	version     string // hash in the path: of the file, or of its whole folder
}

// AssetSet finds assets by name and by path.
type AssetSet struct {
	byName map[string]*Asset
	byPath map[string]*Asset // "hash/name"
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
	".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm", ".webmanifest": "application/manifest+json",
}

// Assets returns the embedded assets.
var Assets = sync.OnceValues(func() (*AssetSet, error) { return newAssets(staticFiles) })

func newAssets(files fs.FS) (*AssetSet, error) {
	set := &AssetSet{byName: map[string]*Asset{}, byPath: map[string]*Asset{}}
	loose, err := readFolder(files, "")
	if err != nil {
		return nil, err
	}
	for _, asset := range loose {
		asset.version = asset.SHA256
	}
	checker, err := readFolder(files, CheckerFolder)
	if err != nil {
		return nil, err
	}
	version := hashOf(checker)
	for _, asset := range checker {
		asset.version = version
	}
	for _, asset := range append(loose, checker...) {
		set.byName[asset.Name] = asset
		set.byPath[asset.path()] = asset
	}
	return set, nil
}

// readFolder reads the assets of one folder, without those below it, in the order of their names.
func readFolder(files fs.FS, folder string) ([]*Asset, error) {
	entries, err := fs.ReadDir(files, path.Join("static", folder))
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	var assets []*Asset
	for _, entry := range entries {
		if contentTypes[path.Ext(entry.Name())] == "" {
			continue // folders, and the notes beside the assets
		}
		asset, err := readAsset(files, path.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		assets = append(assets, asset)
	}
	return assets, nil
}

// hashOf is one hash over the names and contents of assets.
func hashOf(assets []*Asset) string {
	whole := sha256.New()
	for _, asset := range assets {
		fmt.Fprintf(whole, "%s %s\n", asset.SHA256, asset.Name)
	}
	return hex.EncodeToString(whole.Sum(nil))
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

func (a *Asset) path() string { return a.version[:16] + "/" + path.Base(a.Name) }

// URL returns the path at which an asset is served.
func (s *AssetSet) URL(name string) (string, error) {
	asset, ok := s.byName[name]
	if !ok {
		return "", fmt.Errorf("%w: %q", ErrAsset, name)
	}
	return StaticPrefix + asset.path(), nil
}

// Body returns the content of an asset.
func (s *AssetSet) Body(name string) ([]byte, error) {
	asset, ok := s.byName[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrAsset, name)
	}
	return asset.Body, nil
}

// Lookup returns the asset at a path below StaticPrefix ("hash/name"). An old hash finds nothing.
func (s *AssetSet) Lookup(hashAndName string) (*Asset, bool) {
	asset, ok := s.byPath[hashAndName]
	return asset, ok
}

// Folder returns the paths of a folder's assets, sorted by name.
func (s *AssetSet) Folder(folder string) []string {
	var urls []string
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		if path.Dir(name) == folder {
			urls = append(urls, StaticPrefix+s.byName[name].path())
		}
	}
	return urls
}
