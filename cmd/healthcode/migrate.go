package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func (p *program) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "migrate", Short: "Make a database ready, or bring it to this program's version", Args: arguments(),
		Example: "  healthcode migrate --dir data\n  healthcode migrate --database 'postgres://healthcode@db/healthcode?sslmode=verify-full'",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		db, err := p.open(c.Context())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		from, err := db.Version(c.Context())
		if err != nil {
			return err
		}
		if err := p.prepare(c.Context(), db); err != nil {
			return err
		}
		to, err := db.Version(c.Context())
		if err != nil {
			return err
		}
		if p.json {
			return p.print(map[string]int64{"from": from, "to": to})
		}
		p.say("database version %d → %d", from, to)
		return nil
	}
	return c
}
