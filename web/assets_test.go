package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// The hashes in the notes are those of the files, and every file is in the notes. The checker's own files stand there as one.
func TestAssetNotes(t *testing.T) {
	t.Parallel()
	notes, err := os.ReadFile("static/ASSETS.md")
	if err != nil {
		t.Fatal(err)
	}
	set, err := Assets()
	if err != nil {
		t.Fatal(err)
	}
	noted := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z0-9_.-]+) \|.*\| (\S+) \|$`).FindAllStringSubmatch(string(notes), -1) {
		noted[row[1]] = row[2]
	}
	for name, asset := range set.byName {
		want, ok := noted[path.Base(name)]
		own := path.Dir(name) == CheckerFolder && !strings.HasPrefix(path.Base(name), "zxing")
		switch {
		case !ok && own:
		case !ok:
			t.Errorf("%s is not in the notes", name)
		case want != "–" && want != asset.SHA256:
			t.Errorf("%s has the hash %s, the notes say %s", name, asset.SHA256, want)
		}
	}
	for _, name := range []string{"tabler.min.css", "zxing-reader.js", "zxing_reader.wasm"} {
		if len(noted[name]) != 64 {
			t.Errorf("the hash of %s is not recorded", name)
		}
	}
}

func TestAssetsAreFoundByHash(t *testing.T) {
	t.Parallel()
	set, err := Assets()
	if err != nil {
		t.Fatal(err)
	}
	url, err := set.URL("site.css")
	if err != nil {
		t.Fatal(err)
	}
	asset, ok := set.Lookup(strings.TrimPrefix(url, StaticPrefix))
	if !ok || asset.Name != "site.css" || asset.ContentType != "text/css; charset=utf-8" {
		t.Fatalf("%s found %v", url, asset)
	}
	r, err := gzip.NewReader(bytes.NewReader(asset.Gzip))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r); err != nil || !bytes.Equal(body, asset.Body) {
		t.Errorf("the packed form is not the file: %v", err)
	}
	for _, wrong := range []string{"", "site.css", "0000000000000000/site.css", "../ASSETS.md", asset.SHA256[:16] + "/ASSETS.md"} {
		if _, ok := set.Lookup(wrong); ok {
			t.Errorf("%q finds something", wrong)
		}
	}
	if _, err := set.URL("none.css"); !errors.Is(err, ErrAsset) {
		t.Errorf("got %v", err)
	}
}

// The checker's modules import each other by relative names, so they all stand under one address; it changes with any of them.
func TestFolderSharesOneAddress(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	for name, text := range map[string]string{"static/a.css": "a", "static/verify/a.js": `import "./b.js"`, "static/verify/b.js": "1", "static/verify/notes.md": "x"} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	before, err := newAssets(files)
	if err != nil {
		t.Fatal(err)
	}
	files["static/verify/b.js"] = &fstest.MapFile{Data: []byte("2")}
	after, err := newAssets(files)
	if err != nil {
		t.Fatal(err)
	}
	urls := before.Folder(CheckerFolder)
	if len(urls) != 2 || path.Dir(urls[0]) != path.Dir(urls[1]) || path.Base(urls[0]) != "a.js" {
		t.Errorf("got %q", urls)
	}
	for name, changes := range map[string]bool{"verify/a.js": true, "verify/b.js": true, "a.css": false} {
		first, err := before.URL(name)
		if err != nil {
			t.Fatal(err)
		}
		second, err := after.URL(name)
		if err != nil || (first != second) != changes {
			t.Errorf("%s: %s, then %s, %v", name, first, second, err)
		}
	}
}

// Our own style sheet loads nothing from anywhere: the public page is complete with it.
func TestSiteStylesLoadNothing(t *testing.T) {
	t.Parallel()
	set, err := Assets()
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"url(", "@import", "http"} {
		if bytes.Contains(set.byName["site.css"].Body, []byte(forbidden)) {
			t.Errorf("site.css has %s", forbidden)
		}
	}
}
