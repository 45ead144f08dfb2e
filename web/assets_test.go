package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The hashes in the notes are those of the files, and every file of another's is in the notes.
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
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z0-9.-]+) \|.*\| (\S+) \|$`).FindAllStringSubmatch(string(notes), -1) {
		noted[row[1]] = row[2]
	}
	for name, asset := range set.byName {
		want, ok := noted[name]
		switch {
		case !ok:
			t.Errorf("%s is not in the notes", name)
		case want != "–" && want != asset.SHA256:
			t.Errorf("%s has the hash %s, the notes say %s", name, asset.SHA256, want)
		}
	}
	if noted["tabler.min.css"] == "–" {
		t.Error("the hash of tabler.min.css is not recorded")
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
