package jobs_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
)

// The environment of the child that issues until it is killed, beside that of the publishing one.
const (
	childIssues = "JOBS_TEST_ISSUES" // what: issue, screen, renew, supersede or reissue
	childOwner  = "JOBS_TEST_OWNER"  // for whom
	childOld    = "JOBS_TEST_OLD"    // the index of the code that is replaced
)

// leakingSigner tells every signature that it makes: after a crash each of them may be in the world.
type leakingSigner struct {
	credential.Signer
	stop bool // wait to be killed once the first is made, before it is verified
}

func (s leakingSigner) Sign(input string) (credential.Signature, error) {
	signature, err := s.Signer.Sign(input)
	fmt.Println(input + "." + base64.RawURLEncoding.EncodeToString(signature[:]))
	if s.stop {
		waitForTheEnd()
	}
	return signature, err
}

func waitForTheEnd() {
	fmt.Println("now")
	select {}
}

// afterSignature is the point between signing and verifying; the others are jobs.Steps.
const afterSignature = "signature"

// issuingChild issues and waits to be killed when it has reached a step.
func issuingChild(address string) error {
	ctx := context.Background()
	db, err := schema.Open(ctx, configOf(address))
	if err != nil {
		return err
	}
	key, err := credential.ReadKeyFile(os.Getenv(childKey), "")
	if err != nil {
		return err
	}
	stop := os.Getenv(childStop)
	issuer := &jobs.Issuer{DB: db, Signer: leakingSigner{key, stop == afterSignature}, Clock: time.Now}
	issuer.OnStep(func(step string) {
		if step == stop {
			waitForTheEnd()
		}
	})
	owner := registry.USCC(os.Getenv(childOwner))
	switch work := os.Getenv(childIssues); work {
	case "issue":
		_, err = issuer.Issue(ctx, owner, credential.FormPrinted)
	case "screen":
		_, err = issuer.Screen(ctx, owner)
	case "reissue":
		_, err = (&jobs.Reissue{Issuer: issuer, Missing: true, RangeSize: 7, Lease: time.Millisecond}).RunOnce(ctx)
	default:
		var old uint64
		if old, err = strconv.ParseUint(os.Getenv(childOld), 10, 32); err == nil {
			_, err = issuer.Replace(ctx, uint32(old), schema.CodeStep(work), "Li Hua", "lost sign")
		}
	}
	return fmt.Errorf("it went on to the end: %w", err)
}

func configOf(address string) schema.Config {
	if strings.HasPrefix(address, "postgres://") {
		return schema.Config{URL: address}
	}
	return schema.Config{Dir: address}
}

// killIssuer has a child issue, kills it at a point and returns the tokens that it signed.
func killIssuer(t *testing.T, environment map[string]string) (leaked []string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = os.Environ()
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	lines := bufio.NewScanner(out)
	reached := false
	for !reached && lines.Scan() {
		if reached = lines.Text() == "now"; !reached {
			leaked = append(leaked, lines.Text())
		}
	}
	if !reached {
		t.Errorf("%v: the child did not get there", environment)
	}
	check(t, command.Process.Kill())
	if err := command.Wait(); err == nil {
		t.Errorf("%v: the child ended by itself", environment)
	}
	return leaked
}

// TestIssuerKilled kills a process with SIGKILL between each two steps of issuing, in every way of issuing. Whatever had been signed, the register
// knows: its place is stored, belongs to its enterprise, and can be revoked.
func TestIssuerKilled(t *testing.T) {
	t.Parallel()
	for engine, config := range map[string]schema.Config{"sqlite": {Dir: t.TempDir()}, "postgres": {URL: pgtest.EmptyURL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, config)
			_, err := b.recompute().RunOnce(t.Context())
			check(t, err)
			key, err := credential.NewKey(1, "https://q.example.gov.cn", b.now.Add(-time.Hour))
			check(t, err)
			file := filepath.Join(t.TempDir(), "key")
			check(t, credential.WriteKeyFile(file, key, ""))
			k := &killing{bench: b, config: config, file: file, issuer: &jobs.Issuer{DB: b.db, Signer: key, Clock: time.Now}}
			owners := slices.Sorted(maps.Keys(assessments(t, b.db)))
			for _, work := range []string{"issue", "screen", "renew", "supersede", "reissue"} {
				for _, point := range append(jobs.Steps(), afterSignature) {
					k.round(t, work, point, owners[0])
					owners = owners[1:]
				}
			}
			k.reissueEverybody(t)
		})
	}
}

type killing struct {
	*bench
	config schema.Config
	file   string
	issuer *jobs.Issuer
}

func (k *killing) round(t *testing.T, work, point string, owner registry.USCC) {
	t.Helper()
	name := work + " killed at " + point
	environment := map[string]string{childDatabase: k.config.Dir + k.config.URL, childKey: k.file, childIssues: work, childStop: point, childOwner: string(owner)}
	var old credential.Issued
	if work == "renew" || work == "supersede" {
		var err error
		old, err = k.issuer.Issue(t.Context(), owner, credential.FormPrinted)
		check(t, err)
		environment[childOld] = strconv.Itoa(int(old.Code.Index))
	}
	leaked := killIssuer(t, environment)
	if signs := point == "signed" || point == "stored" || point == afterSignature; signs != (len(leaked) > 0) {
		t.Errorf("%s: %d signatures", name, len(leaked))
	}
	stored := point == "stored"
	if work == "renew" || work == "supersede" {
		k.checkOld(t, name, old.Code.Index, work == "supersede" && stored, work == "renew" && stored)
	}
	keys, err := credential.NewKeySet(*k.issuer.Signer.PublicKey())
	check(t, err)
	for _, token := range leaked {
		v := credential.Verify(token, keys, time.Now())
		if !v.SignatureValid {
			t.Fatalf("%s: %s leaked: %+v", name, token, v)
		}
		code, err := k.db.CodeOf(t.Context(), v.USCC, v.Index)
		if err != nil {
			t.Fatalf("%s: a signed code that the register does not know: %v", name, err)
		}
		if issued := code.State == schema.CodeIssued; issued != stored {
			t.Errorf("%s: code %d is %s", name, code.Index, code.State)
		}
		if work == "reissue" && stored {
			continue // the next run leaves them alone
		}
		if changed, err := k.db.ChangeCode(t.Context(), v.Index, schema.StepRevoke, "Li Hua", "after a crash"); err != nil || changed.Status != schema.CodeRevoked {
			t.Errorf("%s: the code that leaked cannot be revoked: %v", name, err)
		}
	}
}

// checkOld looks at the code that was to be replaced: it changes together with the code that follows, or not at all.
func (k *killing) checkOld(t *testing.T, name string, idx uint32, ended, renewed bool) {
	t.Helper()
	code, err := k.db.Code(t.Context(), idx)
	check(t, err)
	events, err := k.db.CodeEvents(t.Context(), code.USCC, idx)
	check(t, err)
	noted := slices.ContainsFunc(events, func(e schema.CodeEvent) bool { return e.Step == schema.StepRenew })
	if (code.Status == schema.CodeSuperseded) != ended || noted != renewed {
		t.Errorf("%s: the old code is %s, renewed: %t", name, code.Status, noted)
	}
}

// reissueEverybody lets an undisturbed run finish the killed ones' work: whoever still needs a code gets one, and what stayed open is withdrawn.
func (k *killing) reissueEverybody(t *testing.T) {
	t.Helper()
	_, err := (&jobs.Reissue{Issuer: k.issuer, Missing: true, RangeSize: 7, Lease: time.Minute}).RunOnce(t.Context())
	check(t, err)
	_, err = k.db.AbandonIntents(t.Context(), -time.Hour)
	check(t, err)
	for owner := range assessments(t, k.db) {
		codes, err := k.db.CodesOf(t.Context(), owner)
		check(t, err)
		valid, revoked := 0, false
		for _, c := range codes {
			if c.State == schema.CodeIntended && c.Status != schema.CodeRevoked {
				t.Errorf("code %d is an open intent for ever", c.Index)
			}
			if c.Form == string(credential.FormPrinted) && c.State == schema.CodeIssued {
				revoked = revoked || c.Status == schema.CodeRevoked
				if c.Status == schema.CodeValid {
					valid++
				}
			}
		}
		if valid == 0 && !revoked {
			t.Errorf("%s has no code after all", owner)
		}
	}
}
