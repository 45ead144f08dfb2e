package api

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"healthcode/access"

	"github.com/pquerna/otp/totp"
)

// elsewhere is a desk whose people may sign in with a real OpenID provider, both on ports of this machine.
type elsewhere struct {
	*desk
	site, issuer string
	account      int64
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	site := httptest.NewUnstartedServer(nil)
	e := &elsewhere{site: "http://" + site.Listener.Addr().String()}
	back := e.site + "/login/oidc/callback"
	e.issuer = startProvider(t, back)
	provider, err := NewOIDC(OIDCConfig{Issuer: e.issuer, ClientID: "web", Secret: "secret", RedirectURL: back})
	if err != nil {
		t.Fatal(err)
	}
	e.desk = newDesk(t, func(c *Config) { c.OIDC = provider })
	e.at = time.Now()
	e.account = e.staff(t, "wu", everywhere)
	site.Config.Handler = e.h
	site.Start()
	t.Cleanup(site.Close)
	t.Cleanup(provider.client.CloseIdleConnections)
	return e
}

// startProvider builds and starts tools/oidcserver and returns its issuer.
func startProvider(t *testing.T, redirect string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "oidcserver")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = filepath.Join("..", "tools", "oidcserver")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the provider: %v: %s", err, out)
	}
	run := exec.Command(binary, redirect) //nolint:noctx // it ends with its standard input
	stdin, err1 := run.StdinPipe()
	stdout, err2 := run.StdoutPipe()
	if err := errors.Join(err1, err2, run.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stdin.Close(), run.Wait()); err != nil {
			t.Error(err)
		}
	})
	issuer, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(issuer)
}

// visitor is a client that keeps cookies and follows redirects, except to where stop begins.
func visitor(t *testing.T, stop string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if stop != "" && strings.HasPrefix(r.URL.String(), stop) || len(via) > 9 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// visit fetches a page and returns it with its text.
func visit(t *testing.T, b *http.Client, target string, form url.Values) (*http.Response, string) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", typeForm)
	answer, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

var requestField = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn goes to the provider, signs in there and comes back as far as the browser follows.
func (e *elsewhere) signIn(t *testing.T, b *http.Client) (*http.Response, string) {
	t.Helper()
	answer, page := visit(t, b, e.site+"/login/oidc?next=%2Faccount", nil)
	id := requestField.FindStringSubmatch(page)
	if answer.StatusCode != http.StatusOK || id == nil {
		t.Fatalf("the provider's page: status %d: %.500s", answer.StatusCode, page)
	}
	return visit(t, b, e.issuer+"login/username", url.Values{"id": {id[1]}, "username": {"test-user@127.0.0.1"}, "password": {"verysecure"}})
}

func TestSignInElsewhere(t *testing.T) {
	e := newElsewhere(t)
	if answer, page := e.signIn(t, visitor(t, "")); answer.StatusCode != http.StatusForbidden || !strings.HasPrefix(answer.Request.URL.String(), e.site+"/login/oidc/callback") {
		t.Errorf("nobody's here: status %d at %s: %.300s", answer.StatusCode, answer.Request.URL.Path, page)
	}
	if err := e.db.LinkAccount(t.Context(), e.account, e.issuer, "id1"); err != nil {
		t.Fatal(err)
	}
	b := visitor(t, "")
	answer, page := e.signIn(t, b)
	if answer.StatusCode != http.StatusOK || answer.Request.URL.Path != "/account" || !strings.Contains(page, ">wu<") {
		t.Fatalf("status %d at %s: %.500s", answer.StatusCode, answer.Request.URL, page)
	}
	if answer, _ := visit(t, b, e.site+"/regions", nil); answer.StatusCode != http.StatusOK {
		t.Errorf("signed in: status %d", answer.StatusCode)
	}
	if _, page := visit(t, visitor(t, ""), e.site+"/login", nil); !strings.Contains(page, `href="/login/oidc?next=`) {
		t.Error("the sign-in page does not lead to the provider")
	}
	e.checkSecondFactor(t)
	if err := e.db.DisableAccount(t.Context(), e.account, e.at); err != nil {
		t.Fatal(err)
	}
	if answer, _ := e.signIn(t, visitor(t, "")); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a disabled account: status %d", answer.StatusCode)
	}
}

// checkSecondFactor checks that an account's own second factor is asked for after the provider too.
func (e *elsewhere) checkSecondFactor(t *testing.T) {
	t.Helper()
	secret, b := e.secondFactor(t, e.account), visitor(t, "")
	if answer, page := e.signIn(t, b); answer.StatusCode != http.StatusOK || !strings.Contains(page, "one-time-code") {
		t.Fatalf("the second factor is not asked for: status %d at %s", answer.StatusCode, answer.Request.URL.Path)
	}
	if answer, _ := visit(t, b, e.site+"/account", nil); answer.Request.URL.Path != "/login" {
		t.Errorf("half a session leads to %s", answer.Request.URL.Path)
	}
	code, err := totp.GenerateCode(secret, e.at)
	if err != nil {
		t.Fatal(err)
	}
	if answer, _ := visit(t, b, e.site+"/login", url.Values{"code": {code}, "next": {"/account"}}); answer.Request.URL.Path != "/account" || answer.StatusCode != http.StatusOK {
		t.Errorf("status %d at %s", answer.StatusCode, answer.Request.URL.Path)
	}
}

// What comes back counts once, for the browser that left, with the state, the nonce and the verifier that it left with.
func TestReturnsThatAreNotOurs(t *testing.T) {
	e := newElsewhere(t)
	if err := e.db.LinkAccount(t.Context(), e.account, e.issuer, "id1"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(d *departure)
		query  func(q url.Values)
		later  time.Duration
		want   int
	}{
		"as it should be":  {nil, nil, 0, http.StatusSeeOther},
		"another nonce":    {func(d *departure) { d.Nonce += "x" }, nil, 0, http.StatusUnauthorized},
		"another verifier": {func(d *departure) { d.Verifier = strings.Repeat("x", 43) }, nil, 0, http.StatusUnauthorized},
		"another state":    {nil, func(q url.Values) { q.Set("state", "x") }, 0, http.StatusUnauthorized},
		"no state":         {nil, func(q url.Values) { q.Del("state") }, 0, http.StatusUnauthorized},
		"another code":     {nil, func(q url.Values) { q.Set("code", "x") }, 0, http.StatusUnauthorized},
		"refused there":    {nil, func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, 0, http.StatusUnauthorized},
		"too late":         {nil, nil, oidcLife, http.StatusUnauthorized},
	} {
		back, cookie := e.leave(t)
		var d departure
		text, err := e.seal.Open(cookie, purposeOIDC)
		if err := errors.Join(err, json.Unmarshal([]byte(text), &d)); err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			c.change(&d)
		}
		query := back.Query()
		if c.query != nil {
			c.query(query)
		}
		changed, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if cookie, err = e.seal.Seal(string(changed), purposeOIDC); err != nil {
			t.Fatal(err)
		}
		e.at = e.at.Add(c.later)
		answer := get(e.h, "/login/oidc/callback?"+query.Encode(), "Cookie", oidcCookie+"="+cookie)
		e.at = e.at.Add(-c.later)
		if answer.Code != c.want {
			t.Errorf("%s: status %d: %.300s", name, answer.Code, answer.Body)
		}
	}
	back, cookie := e.leave(t)
	if answer := get(e.h, "/login/oidc/callback?"+back.RawQuery); answer.Code != http.StatusUnauthorized {
		t.Errorf("another browser: status %d", answer.Code)
	}
	if answer := get(e.h, "/login/oidc/callback?"+back.RawQuery, "Cookie", oidcCookie+"="+cookie[1:]); answer.Code != http.StatusUnauthorized {
		t.Errorf("a cookie that is not ours: status %d", answer.Code)
	}
	first := get(e.h, "/login/oidc/callback?"+back.RawQuery, "Cookie", oidcCookie+"="+cookie)
	again := get(e.h, "/login/oidc/callback?"+back.RawQuery, "Cookie", oidcCookie+"="+cookie)
	if first.Code != http.StatusSeeOther || again.Code != http.StatusUnauthorized {
		t.Errorf("the same code twice: status %d, then %d", first.Code, again.Code)
	}
}

// leave signs in at the provider and returns the address that it sends the browser back to, with the cookie that the browser carries.
func (e *elsewhere) leave(t *testing.T) (back *url.URL, cookie string) {
	t.Helper()
	b := visitor(t, e.site+"/login/oidc/callback")
	answer, page := e.signIn(t, b)
	back, err := answer.Location()
	if err != nil {
		t.Fatalf("status %d: %v: %.300s", answer.StatusCode, err, page)
	}
	for _, one := range b.Jar.Cookies(back) {
		if one.Name == oidcCookie {
			return back, one.Value
		}
	}
	t.Fatal("the browser carries no cookie")
	return nil, ""
}

func TestProvidersThatMakeNoSense(t *testing.T) {
	t.Parallel()
	good := OIDCConfig{Issuer: "https://id.example", ClientID: "web", Secret: "secret", RedirectURL: "https://q.example/login/oidc/callback"}
	for name, change := range map[string]func(*OIDCConfig){
		"in the clear":      func(c *OIDCConfig) { c.Issuer = "http://id.example" },
		"back in the clear": func(c *OIDCConfig) { c.RedirectURL = "http://q.example" },
		"no issuer":         func(c *OIDCConfig) { c.Issuer = "" },
		"no address":        func(c *OIDCConfig) { c.Issuer = "https://\x00" },
		"no client":         func(c *OIDCConfig) { c.ClientID = "" },
		"no secret":         func(c *OIDCConfig) { c.Secret = "" },
	} {
		c := good
		change(&c)
		if _, err := NewOIDC(c); !errors.Is(err, ErrOIDCConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := good
	c.Issuer = "http://127.0.0.1:1"
	provider, err := NewOIDC(c)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, func(c *Config) { c.OIDC, c.Log = provider, slog.New(slog.DiscardHandler) })
	d.staff(t, "wu", access.Grant{Role: access.Reader})
	problem(t, get(d.h, "/login/oidc"), http.StatusServiceUnavailable, "provider_down")
	problem(t, get(newDesk(t, nil).h, "/login/oidc"), http.StatusNotFound, "not_found")
}
