package main

import (
	"bytes"
	"errors"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// scan reads the QR code of a PNG as a stranger's decoder does.
func scan(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	image, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(image)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	return read.GetText()
}

// The demo is killed again and again, each time a little later, until it gets through. What it leaves in the end must be what an
// undisturbed one leaves.
func TestADemoThatIsKilledAgainAndAgainEndsLikeAnUndisturbedOne(t *testing.T) {
	t.Parallel()
	flags := []string{"demo", "--once", "--enterprises", "400", "--seed", "5", "--json", "--dir"}
	quiet, disturbed := t.TempDir(), t.TempDir()
	mustCall(t, append(flags, quiet)...)
	want := parse[demoReport](t, mustCall(t, append(flags, quiet)...).out) // opened again, as the other is: graded as of the present day
	kills := 0
	for size := int64(500_000); ; size += 700_000 {
		if !killAt(t, disturbed, size, append(flags, disturbed)) {
			break
		}
		kills++
	}
	if kills < 2 {
		t.Fatalf("killed only %d times: the test does not disturb", kills)
	}
	got := parse[demoReport](t, mustCall(t, append(flags, disturbed)...).out)
	if got.Records != want.Records || got.Assessed != want.Assessed || got.Codes != want.Codes {
		t.Errorf("after %d kills %+v, want %+v", kills, got, want)
	}
	a := grades(t, mustCall(t, "export", "assessments", "--dir", quiet).out)
	b := grades(t, mustCall(t, "export", "assessments", "--dir", disturbed).out)
	if a != b {
		t.Errorf("after %d kills the grades differ", kills)
	}
}

// killAt starts the program and kills it once its database has grown to a size. It reports whether it had to; false: the program was
// faster and ended well.
func killAt(t *testing.T, dir string, size int64, arguments []string) bool {
	t.Helper()
	child := exec.Command(os.Args[0], arguments...)
	child.Env = append(os.Environ(), asProgram+"=1")
	var said bytes.Buffer
	child.Stderr = &said
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v: %s", err, said.String())
			}
			return false
		case <-tick.C:
			if grown(t, dir) < size {
				continue
			}
			if err := child.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
			err := <-ended
			return err != nil && strings.Contains(err.Error(), "killed")
		}
	}
}

// grown returns how many bytes the database and its log hold.
func grown(t *testing.T, dir string) (size int64) {
	t.Helper()
	for _, name := range []string{"healthcode.db", "healthcode.db-wal"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
