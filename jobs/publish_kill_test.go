package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/schema"
	"healthcode/schema/pgtest"
)

// The environment of the child process that is to be killed.
const (
	childDatabase = "JOBS_TEST_CHILD"
	childKey      = "JOBS_TEST_KEY"
	childStop     = "JOBS_TEST_STOP"
)

// tellingSigner says when it has signed so many lists. There it waits to be killed, or, when the number is negative, works on, so that the
// blow falls wherever it happens to be: in a statement, in a commit, between two publications.
type tellingSigner struct {
	credential.Signer
	after, signed int
}

func (s *tellingSigner) Sign(input string) (credential.Signature, error) {
	if s.signed++; s.signed == max(s.after, -s.after) {
		fmt.Println("now")
	}
	if s.after > 0 && s.signed == s.after {
		select {}
	}
	return s.Signer.Sign(input)
}

// publishingChild publishes until it is killed.
func publishingChild(address string) error {
	db, err := schema.Open(context.Background(), configOf(address))
	if err != nil {
		return err
	}
	key, err := credential.ReadKeyFile(os.Getenv(childKey), "")
	if err != nil {
		return err
	}
	after, err := strconv.Atoi(os.Getenv(childStop))
	if err != nil {
		return err
	}
	j := &jobs.Publish{DB: db, Signer: &tellingSigner{Signer: key, after: after}, Clock: time.Now, Lease: time.Millisecond}
	for {
		_, err := j.RunOnce(context.Background())
		if err != nil && !errors.Is(err, schema.ErrNothingDue) && !errors.Is(err, schema.ErrBusy) && !errors.Is(err, jobs.ErrClockBehind) {
			return err
		}
	}
}

// TestPublisherKilled kills a publisher with SIGKILL at several points while codes change, again and again. Whoever comes next publishes what the
// database says, every change included, and no list ever went back in time: the database would have refused it.
func TestPublisherKilled(t *testing.T) {
	t.Parallel()
	for engine, config := range map[string]schema.Config{"sqlite": {Dir: t.TempDir()}, "postgres": {URL: pgtest.EmptyURL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, config)
			j := newPublisher(t, b)
			path := filepath.Join(t.TempDir(), "signing.key")
			key, ok := j.Signer.(*credential.Key)
			if !ok {
				t.Fatalf("the signer is a %T", j.Signer)
			}
			check(t, credential.WriteKeyFile(path, key, ""))
			changes := 0
			for _, after := range []int{1, 2, -1, -3, 3, -6} {
				killPublisher(t, config, path, after, func() {
					due, err := b.db.ListsDue(t.Context())
					check(t, err)
					if due { // SQLite's lock is not fair: a writer that never stops would keep the child out
						return
					}
					step := []schema.CodeStep{schema.StepSuspend, schema.StepResume}[changes/size%2]
					_, err = b.db.ChangeCode(t.Context(), uint32(1+changes%size), step, "Li Hua", "a test")
					check(t, err)
					changes++
				})
			}
			heads, err := b.db.ListHeads(t.Context())
			check(t, err)
			if len(heads) > 0 {
				b.now = heads[0].IssuedAt.Add(time.Minute)
			}
			takeOver(t, j)
			current(t, b.db, key)
		})
	}
}

// killPublisher starts a child, changes codes until the child says that it is where it should be, and kills it.
func killPublisher(t *testing.T, config schema.Config, key string, after int, change func()) {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	command := exec.CommandContext(t.Context(), self)
	command.Env = append(os.Environ(), childDatabase+"="+config.Dir+config.URL, childKey+"="+key, childStop+"="+strconv.Itoa(after))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	said := make(chan string)
	go func() {
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			line = err.Error()
		}
		said <- line
	}()
	for line := ""; line == ""; {
		change()
		select {
		case line = <-said:
			if line != "now\n" {
				t.Errorf("the child said %q", line)
			}
		default:
		}
	}
	check(t, command.Process.Kill())
	if err := command.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
}
