package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"healthcode/api"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

// errNobody means that other machines would find nobody to sign in as.
var errNobody = errors.New("there is no account yet, so nobody else could sign in: make one first (healthcode user add LOGIN --role admin --password-file FILE)")

// reachFlags say where to listen and how people reach it.
type reachFlags struct {
	listen, cert, key string
	oidc              string // file
	behindProxy       bool
	proxies           []string
}

func (f *reachFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8080", "address and port; port 0 takes any. Beyond this machine by HTTPS only")
	c.Flags().StringVar(&f.cert, "tls-cert", "", "PEM file with the certificate and those that lead to it")
	c.Flags().StringVar(&f.key, "tls-key", "", "PEM file with the certificate's private key")
	c.Flags().StringVar(&f.oidc, "oidc", "", "JSON file that describes an OpenID provider: issuer, client_id, secret_file, redirect_url")
	c.Flags().BoolVar(&f.behindProxy, "behind-proxy", false, "a proxy speaks HTTPS for this server; name it with --trusted-proxy")
	c.Flags().StringSliceVar(&f.proxies, "trusted-proxy", nil, "address or CIDR of a proxy whose X-Forwarded-For is believed")
}

// listening checks the flags and reads the certificate.
func (f *reachFlags) listening(c *cobra.Command) (*api.Listening, error) {
	l := &api.Listening{Address: f.listen, BehindProxy: f.behindProxy}
	switch {
	case (f.cert == "") != (f.key == ""):
		return nil, usage(c, "--tls-cert and --tls-key belong together")
	case f.behindProxy && f.cert != "":
		return nil, usage(c, "--behind-proxy: the certificate is the proxy's, so --tls-cert is not for here")
	case f.behindProxy && len(f.proxies) == 0:
		return nil, usage(c, "--behind-proxy: name the proxy with --trusted-proxy")
	case f.cert == "":
		return l, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	l.Certificate = &pair
	return l, nil
}

// guarded refuses to be reached by other machines before there is an account: this machine would be trusted, and with it who comes by the proxy.
func (p *program) guarded(ctx context.Context, db *schema.DB, l *api.Listening) error {
	if !l.Beyond() && !l.BehindProxy {
		return nil
	}
	any, err := db.AnyAccount(ctx)
	if err == nil && !any {
		err = fmt.Errorf("listen on %q: %w", l.Address, errNobody)
	}
	return err
}
