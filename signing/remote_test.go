package signing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/signing"
)

const issuer = "https://q.example.gov.cn"

var now = time.Date(2026, 11, 22, 2, 33, 20, 0, time.UTC)

func keyOf(tb testing.TB, alg credential.Algorithm, number uint8) *credential.Key {
	tb.Helper()
	key, err := credential.GenerateKey(alg, number, issuer, now)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func code(at time.Time) credential.Code {
	return credential.Code{USCC: "91350100M000100Y43", IssuedAt: uint32(at.Unix()), Lifetime: credential.PrintedLifetime, Tier: registry.TierAA,
		Colour: registry.ColourGreen, Model: 1, Index: 5}
}

// socket is a place for a socket whose path is short enough on every system.
func socket(tb testing.TB) string {
	tb.Helper()
	folder, err := os.MkdirTemp("", "hc")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(folder) })
	return filepath.Join(folder, "signer.sock")
}

// running is a signer that serves until stop is called.
type running struct {
	stop func()
	log  *bytes.Buffer
}

func start(tb testing.TB, path string, signer credential.Signer, clients ...int) *running {
	tb.Helper()
	if clients == nil {
		clients = []int{os.Getuid()}
	}
	listener, err := signing.Listen(path, false)
	if err != nil {
		tb.Fatal(err)
	}
	r := &running{log: &bytes.Buffer{}}
	server := &signing.Server{Signer: signer, Clock: func() time.Time { return now }, Clients: clients, Log: slog.New(slog.NewTextHandler(r.log, nil))}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(r.stop)
	return r
}

func open(tb testing.TB, path string, want credential.PublicKey) signing.Signer {
	tb.Helper()
	signer, err := signing.Open(context.Background(), signing.Location{Driver: signing.DriverUnix, Path: path}, want)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := signer.Close(); err != nil {
			tb.Error(err)
		}
	})
	return signer
}

func TestARemoteKeySignsLikeAnyOther(t *testing.T) {
	t.Parallel()
	for _, alg := range credential.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			key, path := keyOf(t, alg, 7), socket(t)
			start(t, path, key)
			signer := open(t, path, *key.PublicKey())
			set, err := credential.NewKeySet(*key.PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			issued, err := credential.Issue(signer, code(now))
			if err != nil {
				t.Fatal(err)
			}
			if v := credential.Verify(issued.URL, set, now); !v.Authentic || v.KeyID != "7" {
				t.Errorf("%+v", v)
			}
			checkLists(t, signer)
		})
	}
}

// checkLists has every other thing signed that a key for codes signs.
func checkLists(t *testing.T, signer credential.Signer) {
	t.Helper()
	var lists []string
	for _, kind := range []credential.ListKind{credential.ListStatus, credential.ListGrade} {
		token, err := credential.SignList(signer, kind, 0, make([]byte, kind.Bytes()), now)
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, token)
	}
	root := keyOf(t, credential.ES256, 1)
	set, err := credential.NewKeySet(*signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	keySet, err := credential.SignKeySet(root, set, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := credential.SignBundle(signer, keySet, lists, now); err != nil {
		t.Error(err)
	}
	if token, err := credential.SignKeySet(signer, keySetOf(t, root), now, time.Hour); !errors.Is(err, signing.ErrRefused) {
		t.Errorf("it signed a key set: %.40s, %v", token, err)
	}
}

func keySetOf(t *testing.T, key *credential.Key) *credential.KeySet {
	t.Helper()
	set, err := credential.NewKeySet(*key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Whoever gets hold of the socket can have nothing signed but what the issuer signs every day.
func TestASignerRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	key, path := keyOf(t, credential.ES256, 7), socket(t)
	running := start(t, path, key)
	signer := open(t, path, *key.PublicKey())
	good := inputOf(t, key, code(now))
	head, body, _ := strings.Cut(good, ".")
	for name, input := range map[string]string{
		"a code of last week":     inputOf(t, key, code(now.Add(-7*24*time.Hour))),
		"a code of tomorrow":      inputOf(t, key, code(now.Add(24*time.Hour))),
		"a code of another key":   inputOf(t, keyOf(t, credential.ES256, 8), code(now)),
		"a code with another alg": inputOf(t, keyOf(t, credential.EdDSA, 7), code(now)),
		"nothing":                 "",
		"words":                   "please sign this",
		"a code with a blank":     head + "." + body + " ",
		"a header alone":          head,
		"three parts":             good + ".AAAA",
		"another type":            encode(`{"alg":"ES256","kid":"7","typ":"JWT"}`) + "." + body,
		"one claim more":          head + "." + encode(strings.Replace(decode(t, body), "{", `{"admin":true,`, 1)),
		"another issuer":          head + "." + encode(strings.ReplaceAll(decode(t, body), issuer, "https://evil.example.cn")),
		"a lifetime of seventy years": inputOf(t, key, func() credential.Code {
			c := code(now)
			c.Lifetime = 25000
			return c
		}()),
	} {
		if signature, err := signer.Sign(input); !errors.Is(err, signing.ErrRefused) || signature != (credential.Signature{}) {
			t.Errorf("%s: signed, %v", name, err)
		}
	}
	if _, err := signer.Sign(good); err != nil {
		t.Errorf("after all that a good one: %v", err)
	}
	running.stop()
	if n := strings.Count(running.log.String(), "refused to sign"); n != 13 {
		t.Errorf("%d refusals logged, want 13:\n%s", n, running.log)
	}
}

func inputOf(t *testing.T, key *credential.Key, c credential.Code) string {
	t.Helper()
	issued, err := credential.Issue(key, c)
	if err != nil {
		t.Fatal(err)
	}
	return issued.JWT[:strings.LastIndexByte(issued.JWT, '.')]
}

func TestOpenComparesTheKey(t *testing.T) {
	t.Parallel()
	key, path := keyOf(t, credential.ES256, 7), socket(t)
	start(t, path, key)
	for name, change := range map[string]func(*credential.PublicKey){
		"another number":      func(k *credential.PublicKey) { k.Number = 8 },
		"another algorithm":   func(k *credential.PublicKey) { k.Algorithm = credential.EdDSA },
		"another issuer":      func(k *credential.PublicKey) { k.Issuer = "https://zj.cn" },
		"another public half": func(k *credential.PublicKey) { k.Material = keyOf(t, credential.ES256, 7).PublicKey().Material },
	} {
		want := *key.PublicKey()
		change(&want)
		signer, err := signing.Open(t.Context(), signing.Location{Driver: signing.DriverUnix, Path: path}, want)
		if !errors.Is(err, signing.ErrOtherKey) || signer != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := open(t, path, credential.PublicKey{}).PublicKey(); got.ID() != "7" || got.Issuer != issuer {
		t.Errorf("to be registered: %+v", got)
	}
}

func TestARemoteKeyConnectsAnew(t *testing.T) {
	t.Parallel()
	key, path := keyOf(t, credential.ES256, 7), socket(t)
	first := start(t, path, key)
	signer := open(t, path, *key.PublicKey())
	sign := func() error {
		_, err := credential.Issue(signer, code(now))
		return err
	}
	var group sync.WaitGroup
	for range 12 { // more than one process may have connections
		group.Go(func() {
			if err := sign(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	first.stop()
	if err := sign(); err == nil {
		t.Error("signed without a signer")
	}
	start(t, path, key)
	for range 20 { // also those connections that were left over
		if err := sign(); err != nil {
			t.Fatalf("after a restart: %v", err)
		}
	}
}

func TestTheSocketIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	key, path := keyOf(t, credential.ES256, 7), socket(t)
	running := start(t, path, key)
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := signing.Listen(path, false); !errors.Is(err, signing.ErrInUse) {
		t.Errorf("a second signer at the socket: %v", err)
	}
	running.stop()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket was left behind: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestAStrangerIsNotLetIn(t *testing.T) {
	t.Parallel()
	path := socket(t)
	running := start(t, path, keyOf(t, credential.ES256, 7), os.Getuid()+1)
	if signer, err := signing.Open(t.Context(), signing.Location{Driver: signing.DriverUnix, Path: path}, credential.PublicKey{}); err == nil || signer != nil {
		t.Error("let in")
	}
	running.stop()
	if !strings.Contains(running.log.String(), "a connection was refused") {
		t.Errorf("not logged: %s", running.log)
	}
}

func TestListenTakesNoPlaceOfOthers(t *testing.T) {
	t.Parallel()
	path := socket(t)
	if err := os.WriteFile(path, []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signing.Listen(path, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if _, err := signing.Listen("/"+strings.Repeat("a", 200), false); err == nil {
		t.Error("a path that is too long")
	}
	dead := socket(t) // as kill -9 leaves it
	inner, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	inner.SetUnlinkOnClose(false)
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, dead, keyOf(t, credential.ES256, 7)).stop()
}

// A client that speaks nonsense loses its connection and nothing else happens.
func TestNonsenseOnTheSocket(t *testing.T) {
	t.Parallel()
	key, path := keyOf(t, credential.ES256, 7), socket(t)
	start(t, path, key)
	for name, c := range map[string]struct {
		said   []byte
		answer signing.FrameKind // 0: the connection is closed
	}{
		"a web request":     {[]byte("GET / HTTP/1.1\r\n\r\n"), 0},
		"a frame of 0":      {[]byte{0, 0, 0, 0}, 0},
		"a frame too large": {[]byte{255, 255, 255, 255, 2}, 0},
		"an unknown kind":   {signing.AppendFrame(nil, 9, nil), signing.AnswerRefused},
		"an empty question": {signing.AppendFrame(nil, signing.AskSign, nil), signing.AnswerRefused},
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(c.said); err != nil {
			t.Fatal(err)
		}
		kind, _, err := signing.ReadFrame(conn, func() {})
		if kind != c.answer || (c.answer == 0) != (err != nil) {
			t.Errorf("%s: %d, %v", name, kind, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	open(t, path, *key.PublicKey())
}

func TestTheServerEndsWithItsClients(t *testing.T) {
	t.Parallel()
	path := socket(t)
	running := start(t, path, keyOf(t, credential.ES256, 7))
	for range 20 { // more than there is room for
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	running.stop() // or this waits for ever
}

func TestOpenFile(t *testing.T) {
	t.Parallel()
	key, path := keyOf(t, credential.SM2SM3, 7), filepath.Join(t.TempDir(), "signing.key")
	secret := filepath.Join(t.TempDir(), "passphrase")
	if err := errors.Join(credential.WriteKeyFile(path, key, "sesame"), os.WriteFile(secret, []byte("sesame\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	signer, err := signing.Open(t.Context(), signing.Location{Driver: signing.DriverFile, Path: path, Secret: secret}, *key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := credential.Issue(signer, code(now)); err != nil {
		t.Error(err)
	}
	if err := signer.Close(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		l    signing.Location
		want error
	}{
		"no passphrase":  {signing.Location{Driver: signing.DriverFile, Path: path}, credential.ErrPassphraseNeeded},
		"no file":        {signing.Location{Driver: signing.DriverFile, Path: path + "x"}, fs.ErrNotExist},
		"no socket":      {signing.Location{Driver: signing.DriverUnix, Path: path + "x"}, fs.ErrNotExist},
		"no such driver": {signing.Location{Driver: "cloud"}, signing.ErrLocation},
	} {
		if signer, err := signing.Open(t.Context(), c.l, *key.PublicKey()); !errors.Is(err, c.want) || signer != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(signing.AppendFrame(nil, signing.AskSign, []byte("a.b")))
	f.Add([]byte{0, 0, 0, 1, 2, 0, 0})
	f.Add([]byte{0, 31, 255, 255, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		r := bytes.NewReader(data)
		kind, content, err := signing.ReadFrame(r, func() {})
		if err != nil {
			if kind != 0 || content != nil {
				t.Fatalf("%d %q with %v", kind, content, err)
			}
			return
		}
		rest, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(append(signing.AppendFrame(nil, kind, content), rest...), data) {
			t.Fatalf("read %d %q of %q", kind, content, data)
		}
	})
}

func encode(text string) string { return base64URL.EncodeToString([]byte(text)) }

func decode(t *testing.T, text string) string {
	t.Helper()
	out, err := base64URL.DecodeString(text)
	if err != nil || !json.Valid(out) {
		t.Fatalf("%s: %v", text, err)
	}
	return string(out)
}
