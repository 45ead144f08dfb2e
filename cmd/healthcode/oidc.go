package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"healthcode/api"
)

// oidcFile is what --oidc reads. The secret stands in a file of its own, beside this one unless its path is absolute.
type oidcFile struct {
	Issuer      string `json:"issuer"`
	ClientID    string `json:"client_id"`
	SecretFile  string `json:"secret_file"`
	RedirectURL string `json:"redirect_url"`
}

// readOIDC reads the description of an OpenID provider; nil when no file is named.
func readOIDC(path string) (*api.OIDC, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the OpenID provider: %w", err)
	}
	var f oidcFile
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	secret := f.SecretFile
	if !filepath.IsAbs(secret) {
		secret = filepath.Join(filepath.Dir(path), secret)
	}
	value, err := os.ReadFile(secret)
	if err != nil {
		return nil, fmt.Errorf("read the secret of the OpenID provider: %w", err)
	}
	return api.NewOIDC(api.OIDCConfig{Issuer: f.Issuer, ClientID: f.ClientID, Secret: strings.TrimSpace(string(value)), RedirectURL: f.RedirectURL})
}
