package signing

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// ErrInUse means that another process answers at the socket already.
var ErrInUse = errors.New("another process answers at this socket")

// maxSocketPath is what every system takes.
const maxSocketPath = 100

// Listener is a unix socket that its owner alone may open, or everyone when each client is checked by its user number.
type Listener struct {
	*net.UnixListener
	path string
	file fs.FileInfo
}

// Listen makes the socket, with mode 0600, or 0666 when others than its owner are to be let in by their user numbers. It is
// never there with another mode: it is made in a closed folder and then moved to its place. A socket that a dead process left behind is
// replaced; ErrInUse when somebody answers at it.
func Listen(path string, others bool) (*Listener, error) {
	if len(path) > maxSocketPath-len("/.s-0123456789/s") {
		return nil, fmt.Errorf("listen on %s: the path is too long for a socket", path)
	}
	if err := makeRoom(path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), ".s-*") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	l, err := listenIn(filepath.Join(folder, "s"), path, others)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return l, nil
}

func listenIn(temporary, path string, others bool) (*Listener, error) {
	inner, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	inner.SetUnlinkOnClose(false) // it will have another name
	mode := fs.FileMode(0o600)
	if others {
		mode = 0o666
	}
	err = os.Chmod(temporary, mode)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	var file fs.FileInfo
	if err == nil {
		file, err = os.Lstat(path)
	}
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return &Listener{inner, path, file}, nil
}

// makeRoom refuses a place that is taken.
func makeRoom(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%w: it is not a socket", fs.ErrExist)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(ErrInUse, conn.Close())
	}
	return nil
}

// Close stops listening and removes the socket, unless another process has put its own there.
func (l *Listener) Close() error {
	err := l.UnixListener.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	if now, gone := os.Lstat(l.path); gone == nil && os.SameFile(now, l.file) {
		err = errors.Join(err, os.Remove(l.path))
	}
	return err
}
