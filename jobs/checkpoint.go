package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

// Checkpoint signs where the audit log ends, once a day, so that nobody can rewrite what lies before without being seen by those who keep a
// checkpoint. Any number of processes may run it: one makes the checkpoint of a day.
type Checkpoint struct {
	DB     *schema.DB
	Signer credential.Signer // the active key
	Clock  func() time.Time
	Dir    string // folder where each checkpoint is put as a file too; empty: nowhere
	Now    bool   // also when there is one of today
}

// RunOnce makes the checkpoint of today. schema.ErrNothingDue when there is one, or when no line is new. Before it vouches for lines it checks them:
// schema.ErrAudit when something is wrong with one, and nothing is signed.
func (j *Checkpoint) RunOnce(ctx context.Context) (*schema.AuditCheckpoint, error) {
	newest, err := j.newest(ctx)
	if err != nil {
		return nil, err
	}
	if newest.Number > 0 {
		if err := j.keepFile(newest); err != nil { // one that was made when the folder could not be written, or by another process
			return nil, err
		}
		if !j.Now && registry.DayOf(newest.At) >= registry.DayOf(j.Clock()) {
			return nil, schema.ErrNothingDue
		}
	}
	made, err := j.make(ctx, newest)
	if err != nil {
		return nil, err
	}
	err = j.DB.SaveAuditCheckpoint(ctx, *made, newest.Number)
	if errors.Is(err, schema.ErrConflict) { // another process was faster
		return nil, schema.ErrNothingDue
	}
	if err != nil {
		return nil, fmt.Errorf("make a checkpoint of the audit log: %w", err)
	}
	return made, j.keepFile(made)
}

// newest returns the last checkpoint, or the beginning of the log.
func (j *Checkpoint) newest(ctx context.Context) (*schema.AuditCheckpoint, error) {
	found, err := j.DB.AuditCheckpoints(ctx, 0, 1)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return &schema.AuditCheckpoint{Hash: credential.LogBeginning().Hash}, nil
	}
	return &found[0], nil
}

// make checks the lines since a checkpoint and signs where they end.
func (j *Checkpoint) make(ctx context.Context, last *schema.AuditCheckpoint) (*schema.AuditCheckpoint, error) {
	number, hash, err := j.DB.AuditHead(ctx)
	if err != nil {
		return nil, err
	}
	if number == last.Number && hash.String() == last.Hash {
		return nil, schema.ErrNothingDue
	}
	if number <= last.Number {
		return nil, fmt.Errorf("make a checkpoint: %w: it ends with line %d, but checkpoint %d was made: healthcode audit verify", schema.ErrAudit, number, last.Number)
	}
	checker, err := j.DB.CheckAudit(ctx, last.Number, []schema.AuditPoint{{Number: number, Hash: hash.String(), Source: "the end of the log"}}, func(_, _ int64) {})
	if err != nil {
		return nil, err
	}
	if checker.Found > 0 {
		return nil, fmt.Errorf("make a checkpoint: %w: %s: healthcode audit verify", schema.ErrAudit, checker.Findings[0].Detail)
	}
	if checker.After() != last.Hash {
		return nil, fmt.Errorf("make a checkpoint: %w: line %d no longer has the hash of its checkpoint: healthcode audit verify", schema.ErrAudit, last.Number)
	}
	return j.sign(ctx, credential.LogPoint{Number: number, Hash: hash.String()}, credential.LogPoint{Number: last.Number, Hash: last.Hash})
}

func (j *Checkpoint) sign(ctx context.Context, point, last credential.LogPoint) (*schema.AuditCheckpoint, error) {
	signer, err := pinned(ctx, j.Signer)
	if err != nil {
		return nil, fmt.Errorf("find the key that signs: %w", err)
	}
	at := j.Clock().UTC().Truncate(time.Second)
	token, err := credential.SignCheckpoint(signer, point, last, at)
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint of the audit log: %w", err)
	}
	return &schema.AuditCheckpoint{Number: point.Number, Hash: point.Hash, At: at, KID: signer.PublicKey().ID(), Token: token}, nil
}

// keepFile writes a checkpoint to the folder, unless it is there.
func (j *Checkpoint) keepFile(c *schema.AuditCheckpoint) error {
	if j.Dir == "" {
		return nil
	}
	path := filepath.Join(j.Dir, fmt.Sprintf("audit-checkpoint-%012d.jwt", c.Number))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(j.Dir, 0o755); err != nil { //nolint:gosec // it is to be read by others
		return fmt.Errorf("keep a checkpoint: %w", err)
	}
	waiting := path + ".new"
	if err := os.WriteFile(waiting, []byte(c.Token+"\n"), 0o644); err != nil { //nolint:gosec // it is published
		return fmt.Errorf("keep a checkpoint: %w", err)
	}
	if err := os.Rename(waiting, path); err != nil {
		return fmt.Errorf("keep a checkpoint: %w", err)
	}
	return nil
}
