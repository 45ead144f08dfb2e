package schema_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"healthcode/schema"
	"healthcode/schema/schematest"
)

// The environment of the child process that is to be killed.
const (
	childConfig = "SCHEMA_TEST_CHILD"
	childStop   = "SCHEMA_TEST_STOP"
)

// TestMain turns this binary into the child when it is asked to.
func TestMain(m *testing.M) {
	if config := os.Getenv(childConfig); config != "" {
		work, argument := child, os.Getenv(childStop)
		if first := os.Getenv(childActivates); first != "" {
			work, argument = activating, first
		}
		if err := work(config, argument); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child grades ranges and says when it has graded so many enterprises. There it waits to be killed, or, when the number is negative, works
// on, so that the blow falls wherever it happens to be: in a statement, in a commit, between two ranges.
func child(address, stop string) error {
	ctx := context.Background()
	db, err := schema.Open(ctx, childAddress(address))
	if err != nil {
		return err
	}
	after, err := strconv.Atoi(stop)
	if err != nil {
		return err
	}
	run, err := db.StartRun(ctx, killRequest())
	if err != nil {
		return err
	}
	open, err := db.OpenRanges(ctx, run)
	if err != nil {
		return err
	}
	graded := 0
	for _, r := range open {
		_, err := db.FinishRange(ctx, run, r, func(p *schema.Part) ([]schema.Grade, error) {
			for range p.Columns.Len() {
				if graded++; graded == max(after, -after) {
					fmt.Println("now")
				}
				if after > 0 && graded == after {
					select {}
				}
			}
			return schematest.Grade(p)
		})
		if err != nil {
			return err
		}
	}
	fmt.Println("end")
	select {}
}

func childAddress(address string) schema.Config {
	if strings.HasPrefix(address, "postgres://") {
		return schema.Config{URL: address}
	}
	return schema.Config{Dir: address}
}

func killRequest() schema.RunRequest {
	return schema.RunRequest{Kind: schema.KindRecompute, AsOf: schematest.Today(), RangeSize: 10, Lease: time.Microsecond,
		Model: schema.ModelRef{Code: "sample", Version: 1}}
}

// TestKilled kills a process with SIGKILL at several points of a run, again and again, and then finishes the run: every enterprise has
// exactly one assessment, one row of history and one message, and each is what a replay says.
func TestKilled(t *testing.T) {
	engines(t, func(t *testing.T, config schema.Config) {
		const enterprises = 60
		db := schematest.Reopen(t, config)
		if _, err := db.PutEnterprises(t.Context(), schematest.Enterprises(0, enterprises), schema.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.PutRecords(t.Context(), schematest.Records(0, enterprises, 2), schema.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, after := range []int{1, 3, -10, 10, -5, -10, -1, 1000} {
			killChild(t, config, after)
		}
		run, err := db.StartRun(t.Context(), killRequest())
		if err != nil || !run.Resumed {
			t.Fatalf("take up: %+v, %v", run, err)
		}
		open, err := db.OpenRanges(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range open {
			if _, err := db.FinishRange(t.Context(), run, r, schematest.Grade); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.FinishRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if ended, err := db.Run(t.Context(), run.ID); err != nil || ended.Assessed != enterprises || ended.RangesDone != 6 {
			t.Errorf("run %+v, %v; want %d assessed in 6 ranges", ended, err, enterprises)
		}
		schematest.Check(t, db, enterprises)
	})
}

func killChild(t *testing.T, config schema.Config, after int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self)
	command.Env = append(os.Environ(), childConfig+"="+config.Dir+config.URL, childStop+"="+strconv.Itoa(after))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "now\n" && line != "end\n" {
		t.Errorf("the child said %q, %v", line, err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
}
