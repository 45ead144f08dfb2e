package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"
)

// newCertificate makes a certificate that signs itself.
func newCertificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// The key of a partner that is bound to certificates counts only with one of them; others come without.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	bank, stranger := newCertificate(t, "bank"), newCertificate(t, "bank")
	expires := d.at.Add(time.Hour)
	_, bound := addPartner(t, d.db, schema.Partner{Name: "bound", Certificates: []string{access.Thumbprint(bank.Certificate[0])}}, expires, access.ScopeChanges)
	_, free := addPartner(t, d.db, schema.Partner{Name: "free"}, expires, access.ScopeChanges)

	lent := httptest.NewTLSServer(nil) // its certificate is what we want
	defer lent.Close()
	ctx, stop := context.WithCancel(t.Context())
	address, served := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		served <- Serve(ctx, Listening{Address: "127.0.0.1:0", Certificate: &lent.TLS.Certificates[0]}, d.h, slog.New(slog.DiscardHandler), func(a net.Addr) { address <- a })
	}()
	url := "https://" + (<-address).String() + "/api/v1/changes"
	roots := lent.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, c := range map[string]struct {
		key   access.APIKey
		shown []tls.Certificate
		want  int
	}{
		"bound, with its certificate":        {bound, []tls.Certificate{bank}, http.StatusOK},
		"bound, without one":                 {bound, nil, http.StatusUnauthorized},
		"bound, with another of that name":   {bound, []tls.Certificate{stranger}, http.StatusUnauthorized},
		"free, without one":                  {free, nil, http.StatusOK},
		"free, with one that nobody asks of": {free, []tls.Certificate{stranger}, http.StatusOK},
	} {
		transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: c.shown, MinVersion: tls.VersionTLS12}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.key.Text())
		answer, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", name, answer.StatusCode, c.want)
		}
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if answer := get(d.h, "/api/v1/changes", bearer(bound)...); answer.Code != http.StatusUnauthorized {
		t.Errorf("in the clear: status %d", answer.Code)
	}
}
