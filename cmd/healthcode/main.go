// Command healthcode grades enterprises by what a market-supervision bureau knows about them and signs QR health codes that anyone can
// verify, online or offline. `healthcode --help` lists the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitDone    = 0
	exitRefused = 1 // refused or failed
	exitUsage   = 2 // the words of the call are wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	p := &program{out: stdout, err: stderr, now: time.Now}
	root := p.root()
	root.SetArgs(arguments)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errQuiet):
		return exitRefused
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "healthcode: %v\nSee `%s --help`.\n", err, usage.command)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "healthcode: %v\n", err)
		return exitRefused
	}
}

// usageError says that the words of the call are wrong.
type usageError struct {
	command string
	err     error
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// errQuiet ends the program with exit code 1 after everything was said.
var errQuiet = errors.New("refused")

func usage(c *cobra.Command, format string, values ...any) error {
	return usageError{c.CommandPath(), fmt.Errorf(format, values...)}
}

// arguments checks how many words a command takes, and names them in the error.
func arguments(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if len(given) < len(names) {
			return usage(c, "%s is missing", names[len(given)])
		}
		if len(given) > len(names) {
			return usage(c, "%q is one word too many", given[len(names)])
		}
		return nil
	}
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, given []string) error {
		if len(given) > 0 {
			return usage(c, "unknown command %q", given[0])
		}
		return c.Help()
	}}
	c.AddCommand(commands...)
	return c
}
