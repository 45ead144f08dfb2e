//go:build unix

// Package pgtest runs a real PostgreSQL for tests: one cluster for a test binary, a fresh migrated database for a test. Only tests import it.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver of the administrative connection

	"healthcode/schema"
)

const missing = "no PostgreSQL found: install it (Debian: apt install postgresql, macOS: brew install postgresql) or put initdb and postgres on the PATH"

// cluster is a running server. It ends with this process, however this process ends: a shell waits for our end of a pipe to close.
type cluster struct {
	dir, admin string
	port       int
	life       *os.File // held open as long as the server is to live
}

var (
	start     = sync.OnceValues(startCluster)
	template  = sync.OnceValue(makeTemplate)
	databases atomic.Int64
)

// URL returns the address of a fresh, migrated database. It fails the test when there is no PostgreSQL: a test that cannot run has not passed.
func URL(tb testing.TB) string {
	tb.Helper()
	if err := template(); err != nil {
		tb.Fatal(err)
	}
	return create(tb, "TEMPLATE healthcode_template")
}

// EmptyURL returns the address of a fresh database in which nothing was migrated.
func EmptyURL(tb testing.TB) string {
	tb.Helper()
	if _, err := start(); err != nil {
		tb.Fatal(err)
	}
	return create(tb, "")
}

func create(tb testing.TB, options string) string {
	tb.Helper()
	c, err := start()
	if err != nil {
		tb.Fatal(err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := c.exec("CREATE DATABASE " + name + " " + options); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return c.url(name)
}

func (c *cluster) url(database string) string {
	return fmt.Sprintf("postgres://healthcode@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

func (c *cluster) exec(query string) error {
	db, err := sql.Open("postgres", c.admin)
	if err != nil {
		return fmt.Errorf("open test cluster: %w", err)
	}
	_, err = db.Exec(query)
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}

func makeTemplate() error {
	c, err := start()
	if err != nil {
		return err
	}
	if err := c.exec("CREATE DATABASE healthcode_template"); err != nil {
		return err
	}
	ctx := context.Background()
	db, err := schema.Open(ctx, schema.Config{URL: c.url("healthcode_template")})
	if err != nil {
		return err
	}
	_, _, err = db.Migrate(ctx)
	return errors.Join(err, db.Close())
}

// Bin returns the folder of initdb, postgres and psql, or an error that says what to install.
func Bin() (string, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("look for PostgreSQL: %w", err)
		}
		slices.Reverse(found) // the newest version first
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		if executable(filepath.Join(folder, "initdb")) && executable(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", errors.New(missing)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

func startCluster() (*cluster, error) {
	bin, err := Bin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hcpg")
	if err != nil {
		return nil, fmt.Errorf("make cluster folder: %w", err)
	}
	owner, err := serverUser(dir)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	if err := c.init(bin, owner); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := c.run(bin, owner); err != nil {
		return nil, err
	}
	c.admin = c.url("postgres")
	return c, c.wait()
}

// serverUser returns whom the server runs as: PostgreSQL refuses to run as root.
func serverUser(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("find a user for PostgreSQL, which does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read user id: %w", err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read group id: %w", err)
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, fmt.Errorf("hand over cluster folder: %w", err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// init makes the cluster, with a linguistic collation where the server has ICU: our byte order must not lean on the default.
func (c *cluster) init(bin string, owner *syscall.SysProcAttr) error {
	base := []string{"-D", filepath.Join(c.dir, "data"), "-U", "healthcode", "-A", "trust", "-E", "UTF8", "--no-sync"}
	var output []byte
	var err error
	for _, locale := range [][]string{{"--locale-provider=icu", "--icu-locale=en-US", "--locale=C"}, {"--locale=C"}} {
		command := exec.Command(filepath.Join(bin, "initdb"), append(slices.Clone(base), locale...)...)
		command.Dir, command.SysProcAttr = c.dir, owner
		if output, err = command.CombinedOutput(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("initdb: %w: %s", err, output)
}

func (c *cluster) run(bin string, owner *syscall.SysProcAttr) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	c.port = listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return fmt.Errorf("free the port: %w", err)
	}
	settings := []string{"listen_addresses=127.0.0.1", "unix_socket_directories=" + c.dir, "fsync=off", "max_connections=100", "autovacuum=on",
		"shared_buffers=256MB", "max_wal_size=4GB", "timezone=Asia/Shanghai", "port=" + strconv.Itoa(c.port)}
	// The server stops and its folder goes when our end of the pipe closes, even after a kill -9.
	script := `bin=$1; dir=$2; shift 2; "$bin/postgres" -D "$dir/data" "$@" </dev/null >"$dir/log" 2>&1 & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$dir"`
	arguments := []string{"-c", script, "sh", bin, c.dir}
	for _, setting := range settings {
		arguments = append(arguments, "-c", setting)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make pipe: %w", err)
	}
	command := exec.Command("sh", arguments...)
	command.Dir, command.SysProcAttr, command.Stdin = c.dir, owner, reader
	if err := command.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	c.life = writer
	return reader.Close()
}

func (c *cluster) wait() error {
	deadline := time.Now().Add(60 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.exec("SELECT 1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, readErr := os.ReadFile(filepath.Join(c.dir, "log"))
			return errors.Join(fmt.Errorf("PostgreSQL did not start: %w: %s", err, strings.TrimSpace(string(log))), readErr)
		}
		<-tick.C
	}
}
