package main

import (
	"os"
	"slices"

	"healthcode/credential"
	"healthcode/signing"

	"github.com/spf13/cobra"
)

func (p *program) keysSignerCommand() *cobra.Command {
	var listen, file string
	var clients []int
	keys := &keyFlags{}
	c := &cobra.Command{
		Use: "signer", Short: "Hold a key in a process of its own and sign for the server", Args: arguments(),
		Long: "Holds the key of one key file and signs for processes on this machine through a unix socket: health codes, lists and bundles of its own\n" +
			"number and issuer that are dated now, and nothing else. Only processes of this user may connect; with --client-user only those of\n" +
			"the users named, whose numbers the kernel tells.",
		Example: "  healthcode keys signer --listen unix:/run/healthcode/signer.sock --key /srv/signer/signing-3.key --passphrase-file /srv/signer/passphrase --client-user 998",
	}
	keys.passphrase(c)
	c.Flags().StringVar(&listen, "listen", "", "unix:PATH of the socket (required)")
	c.Flags().StringVar(&file, "key", "", "key file (required)")
	c.Flags().IntSliceVar(&clients, "client-user", nil, "number of a user who may connect (default this one)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		location, err := signing.ParseLocation(listen)
		if err != nil || location.Driver != signing.DriverUnix || file == "" {
			return usage(c, "--listen unix:PATH and --key FILE are needed")
		}
		passphrase, err := readPassphrase(keys.passphraseFile)
		if err != nil {
			return err
		}
		key, err := credential.ReadKeyFile(file, passphrase)
		if err != nil {
			return err
		}
		if len(clients) == 0 {
			clients = []int{os.Getuid()}
		}
		others := slices.ContainsFunc(clients, func(user int) bool { return user != os.Getuid() })
		listener, err := signing.Listen(location.Path, others)
		if err != nil {
			return err
		}
		p.say("key %s signs for %s at %s; ctrl-C stops", key.PublicKey().ID(), key.PublicKey().Issuer, location.Path)
		return (&signing.Server{Signer: key, Clock: p.now, Log: p.log(), Clients: clients}).Serve(c.Context(), listener)
	}
	return c
}
