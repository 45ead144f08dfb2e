package main

import (
	"fmt"

	"healthcode/api"

	"github.com/spf13/cobra"
)

func (p *program) openAPICommand() *cobra.Command {
	c := &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI document of the API", Args: arguments(),
		Long:    "Prints the OpenAPI 3.1 document of this version, as a server answers it at /openapi.json. It needs no data folder.",
		Example: "  healthcode openapi > openapi.json",
	}
	c.RunE = func(*cobra.Command, []string) error {
		body, err := api.OpenAPI()
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s\n", body)
		return nil
	}
	return c
}
