package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/exchange"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
)

// lines are the headers of a submission.
var linesBody = []string{"Content-Type", typeNDJSON}

// work stores what was submitted.
func (in *intake) work(t testing.TB) {
	t.Helper()
	job := &jobs.Submit{DB: in.db, PersonKey: []byte("0123456789abcdef"), Clock: func() time.Time { return in.now }, Log: slog.New(slog.DiscardHandler)}
	if _, err := job.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (in *intake) submissions(t testing.TB) int {
	t.Helper()
	page, err := in.db.Submissions(t.Context(), nil, "", "", 500)
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Items)
}

func packed(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// rowTold is what a client reads of one row.
type rowTold struct {
	Row       int64             `json:"row"`
	Outcome   string            `json:"outcome"`
	SourceRef string            `json:"source_ref"`
	Revision  int               `json:"revision"`
	Errors    registry.Problems `json:"errors"`
}

// A submission is received, stored by a job, and told row by row; the same file again changes nothing.
func TestSubmissionLife(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	var body strings.Builder
	for i := range 300 {
		body.WriteString(visited(in.own, fmt.Sprint("s-", i%290)) + "\n")
		if i == 100 {
			body.WriteString("{\n\n" + visited(in.own, "alone", "people", `{"inspectors":["张三"]}`) + "\n" + visited(in.own, "court", "source", `"court"`) + "\n")
		}
	}
	for round, want := range []SubmissionItem{{Rows: 303, Added: 290, Unchanged: 10, Refused: 3}, {Rows: 303, Unchanged: 300, Refused: 3}} {
		text, headers := body.String(), linesBody
		if round == 1 {
			text, headers = packed(t, text), append([]string{"Content-Encoding", "gzip"}, linesBody...)
		}
		answer := in.post(submissionsPath, text, headers, in.lab)
		made := decoded[SubmissionItem](t, answer)
		at := answer.Header().Get("Location")
		if answer.Code != http.StatusAccepted || at != submissionsPath+"/"+made.ID || made.State != schema.SubmissionQueued || made.Lines != 304 || made.Bytes != int64(body.Len()) {
			t.Fatalf("status %d, at %s: %s", answer.Code, at, answer.Body)
		}
		in.work(t)
		got := decoded[SubmissionItem](t, call(in.h, http.MethodGet, at, nil, in.lab...))
		if got.State != schema.SubmissionFinished || got.Progress != 100 || got.Rows != want.Rows || got.Added != want.Added || got.Unchanged != want.Unchanged || got.Refused != want.Refused {
			t.Errorf("round %d: %+v", round, got)
		}
		in.checkResults(t, at+"/results", want.Rows)
		problem(t, in.post(at+"/cancel", "", in.lab), http.StatusConflict, "submission_ended")
	}
	page := decoded[List[SubmissionItem]](t, call(in.h, http.MethodGet, submissionsPath+"?state=finished&limit=1", nil, in.lab...))
	if len(page.Items) != 1 || page.Next == "" {
		t.Errorf("the list: %+v", page)
	}
}

// checkResults reads the results by pages and as lines.
func (in *intake) checkResults(t *testing.T, at string, rows int64) {
	t.Helper()
	var paged []rowTold
	for cursor := ""; ; {
		page := decoded[List[rowTold]](t, call(in.h, http.MethodGet, at+"?limit=70&cursor="+cursor, nil, in.lab...))
		paged = append(paged, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	answer := call(in.h, http.MethodGet, at, nil, append([]string{"Accept", typeNDJSON}, in.lab...)...)
	lines := strings.Count(answer.Body.String(), "\n")
	if answer.Header().Get("Content-Type") != typeNDJSON || int64(lines) != rows || int64(len(paged)) != rows {
		t.Fatalf("%d rows in pages, %d lines of %s, want %d", len(paged), lines, answer.Header().Get("Content-Type"), rows)
	}
	for i := 1; i < len(paged); i++ {
		if paged[i].Row <= paged[i-1].Row {
			t.Errorf("row %d after %d", paged[i].Row, paged[i-1].Row)
		}
	}
	var refused []string
	for cursor := ""; ; {
		page := decoded[List[rowTold]](t, call(in.h, http.MethodGet, at+"?outcome=refused&limit=2&cursor="+cursor, nil, in.lab...))
		for _, r := range page.Items {
			refused = append(refused, fmt.Sprint(r.Row, r.SourceRef, r.Errors[0].Field))
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if got := strings.Join(refused, " "); got != "102 104alonepeople.inspectors 105courtsource" {
		t.Errorf("refused: %s", got)
	}
	for query, field := range map[string]string{"?outcome=lost": "outcome", "?cursor=x": "cursor", "?cursor=1.-1": "cursor", "?limit=x": "limit", "?q=": "q"} {
		if p := problem(t, call(in.h, http.MethodGet, at+query, nil, in.lab...), 400, "invalid_field"); p.Errors[0].Field != field {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
}

// Each sees its own submissions, a recorder of the whole register all; and the rows are bounded by what the sender may deliver.
func TestSubmissionBounds(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	body := visited(in.own, "1", "source", `"desk"`) + "\n" + visited(in.foreign, "2", "source", `"desk"`) + "\n" + visited(in.own, "3") + "\n"
	senders := map[string][]string{"near": in.recorder(t, in.near), "register": in.recorder(t, ""), "lab": in.lab}
	refused := map[string]int64{"near": 1, "register": 0, "lab": 2}
	made := map[string]string{}
	for name, who := range senders {
		answer := in.post(submissionsPath, body, linesBody, who)
		if answer.Code != http.StatusAccepted {
			t.Fatalf("%s: status %d %s", name, answer.Code, answer.Body)
		}
		made[name] = answer.Header().Get("Location")
		in.work(t)
	}
	for reader, who := range map[string][]string{"near": in.recorder(t, in.near), "register": in.recorder(t, ""), "lab": in.lab, "far": in.recorder(t, in.far), "court": in.court} {
		listed := decoded[List[SubmissionItem]](t, call(in.h, http.MethodGet, submissionsPath, nil, who...))
		want := map[string]int{"near": 1, "register": 3, "lab": 1}[reader]
		if len(listed.Items) != want {
			t.Errorf("%s sees %d submissions, want %d", reader, len(listed.Items), want)
		}
		for sender, at := range made {
			answer := call(in.h, http.MethodGet, at, nil, who...)
			if sender != reader && reader != "register" {
				problem(t, answer, http.StatusNotFound, "unknown_submission")
				problem(t, call(in.h, http.MethodGet, at+"/results", nil, who...), http.StatusNotFound, "unknown_submission")
				problem(t, in.post(at+"/cancel", "", who), http.StatusNotFound, "unknown_submission")
				continue
			}
			if got := decoded[SubmissionItem](t, answer); got.Refused != refused[sender] || got.Rows != 3 {
				t.Errorf("%s of %s: %+v", reader, sender, got)
			}
		}
	}
	problem(t, call(in.h, http.MethodGet, submissionsPath+"?state=x", nil, in.lab...), 400, "invalid_field")
	problem(t, call(in.h, http.MethodGet, submissionsPath+"?cursor=x", nil, in.lab...), 400, "invalid_field")
}

// A body that cannot be read is refused with the reason, and nothing is left of it.
func TestBadSubmissions(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	good := visited(in.own, "bad") + "\n"
	gz := []string{"Content-Encoding", "gzip"}
	broken := []byte(packed(t, strings.Repeat(good, 100)))
	broken[len(broken)/2] ^= 0xff
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
		field   string
	}{
		"nothing":            {"", nil, 400, "invalid_field", "body"},
		"blank lines":        {"\n\n", nil, 202, "", ""}, // rows of nothing: none
		"JSON":               {good, []string{"Content-Type", typeJSON}, 415, "unsupported_media_type", "Content-Type"},
		"no type":            {good, []string{"Content-Type", ""}, 415, "unsupported_media_type", "Content-Type"},
		"another encoding":   {good, []string{"Content-Encoding", "br"}, 415, "unsupported_media_type", "Content-Encoding"},
		"encoded twice":      {good, []string{"Content-Encoding", "gzip, gzip"}, 415, "unsupported_media_type", "Content-Encoding"},
		"not gzip":           {good, gz, 400, "invalid_field", "body"},
		"broken gzip":        {string(broken), gz, 400, "invalid_field", "body"},
		"gzip, cut off":      {packed(t, good)[:20], gz, 400, "invalid_field", "body"},
		"UTF-16":             {"\xfe\xff\x00{", nil, 400, "invalid_field", "body"},
		"a query":            {good, nil, 400, "invalid_field", "source"},
		"a key":              {good, []string{"Idempotency-Key", "x"}, 400, "invalid_field", "Idempotency-Key"},
		"too many lines":     {strings.Repeat("\n", MaxSubmissionRows+1), nil, 413, "body_too_large", "body"},
		"too many, in gzip":  {packed(t, strings.Repeat("\n", MaxSubmissionRows+1)), gz, 413, "body_too_large", "body"},
		"a bomb of one line": {bomb(t), gz, 413, "body_too_large", "body"},
	} {
		t.Run(name, func(t *testing.T) {
			before := in.submissions(t)
			path := submissionsPath
			if name == "a query" {
				path += "?source=x"
			}
			answer := in.post(path, c.body, linesBody, c.headers, in.lab)
			if c.status == http.StatusAccepted {
				if answer.Code != c.status {
					t.Errorf("status %d %s", answer.Code, answer.Body)
				}
				return
			}
			if p := problem(t, answer, c.status, c.code); len(p.Errors) != 1 || p.Errors[0].Field != c.field {
				t.Errorf("%+v", p.Errors)
			}
			if n := in.submissions(t) - before; n != 0 && c.status != 413 {
				t.Errorf("%d submissions are left", n)
			}
		})
	}
	page, err := in.db.Submissions(t.Context(), nil, "", "", 500)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range page.Items {
		if s.State == schema.SubmissionCut && s.Error == "" || s.State == schema.SubmissionReceiving {
			t.Errorf("left: %+v", s)
		}
		if _, err := in.db.Chunk(t.Context(), s.ID, 1); s.State == schema.SubmissionCut && err == nil {
			t.Errorf("%s was cut and its lines are kept", s.ID)
		}
	}
}

// bomb is a small body that unpacks to more than a submission may have: one member of gzip after the other.
func bomb(t testing.TB) string {
	t.Helper()
	return strings.Repeat(packed(t, strings.Repeat("x", 16<<20)), MaxSubmissionBody>>24+1)
}

// Lines that are too long are kept short enough, and still seen to be too long.
func TestLineCutter(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("y", exchange.MaxRow)
	for name, c := range map[string]struct {
		body   string
		chunks []int // their lines
	}{
		"one line without an end": {"a", []int{1}},
		"two lines":               {"a\nb\n", []int{2}},
		"many lines":              {strings.Repeat("a\n", 2*chunkLines+1), []int{chunkLines, chunkLines, 1}},
		"long lines":              {strings.Repeat(long+"\n", 9), []int{4, 4, 1}},
		"far too long":            {strings.Repeat(long, 5) + "\nb", []int{2}},
		"far too long at the end": {"b\n" + strings.Repeat(long, 5), []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lineCutter{in: bufio.NewReaderSize(strings.NewReader(c.body), 64<<10)}
			var got []int
			for {
				chunk, err := l.next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(chunk) > chunkBytes+exchange.MaxRow+2 || chunk[len(chunk)-1] != '\n' {
					t.Errorf("a chunk of %d bytes", len(chunk))
				}
				got = append(got, bytes.Count(chunk, []byte("\n")))
				if strings.HasPrefix(name, "far") {
					checkOversize(t, chunk)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.chunks) {
				t.Errorf("lines %v, want %v", got, c.chunks)
			}
		})
	}
}

func checkOversize(t *testing.T, chunk []byte) {
	t.Helper()
	reader, err := exchange.ReadNDJSON(bytes.NewReader(chunk))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for {
		row, err := reader.Next()
		if err != nil {
			break
		}
		if len(row.Problems) > 0 {
			seen++
		}
	}
	if seen != 1 {
		t.Errorf("%d lines are seen to be too long, want one", seen)
	}
}

// listening serves an intake on a real connection.
func (in *intake) listening(t *testing.T) net.Addr {
	t.Helper()
	server := httptest.NewServer(in.h)
	t.Cleanup(server.Close)
	return server.Listener.Addr()
}

// A connection that breaks in the middle leaves a submission that is cut, with the reason, and no record.
func TestSubmissionCutOff(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	before := in.records(t)
	conn, err := net.Dial("tcp", in.listening(t).String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 100000000\r\n%s: %s\r\n\r\n", submissionsPath, typeNDJSON, in.lab[0], in.lab[1])
	for i := range chunkLines + 10 {
		fmt.Fprintln(conn, visited(in.own, fmt.Sprint("cut-", i)))
	}
	state := func() *schema.Submission {
		page, err := in.db.Submissions(t.Context(), nil, "", "", 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) == 0 {
			return &schema.Submission{}
		}
		return &page.Items[0]
	}
	eventually(t, "the first chunk is kept", func() bool { return state().Chunks == 1 && state().State == schema.SubmissionReceiving })
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is cut", func() bool { return state().State == schema.SubmissionCut })
	if s := state(); s.Error == "" || in.records(t) != before {
		t.Errorf("%+v, %d records were stored", s, in.records(t)-before)
	}
}

// eventually waits until something is so, at most as long as a busy machine takes.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: not in 30 s", what)
		}
	}
}

// slowReader gives a byte at a time and says when a deadline is set.
type slowReader struct {
	*httptest.ResponseRecorder
	deadlines int
}

func (s *slowReader) SetReadDeadline(time.Time) error { s.deadlines++; return nil }

func (s *slowReader) Read(p []byte) (int, error) { p[0] = '\n'; return 1, nil }

// However small its parts are, a body gets more time only for each 32 KiB.
func TestSubmissionPace(t *testing.T) {
	t.Parallel()
	slow := &slowReader{ResponseRecorder: httptest.NewRecorder()}
	paced := &pacedReader{in: slow, control: http.NewResponseController(slow)}
	for range 2*paceBytes + 1 {
		if _, err := paced.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if slow.deadlines != 3 {
		t.Errorf("%d deadlines for %d bytes, want 3", slow.deadlines, 2*paceBytes+1)
	}
}

// A server takes so many at once and says when to come again; one caller has so many open.
func TestSubmissionsAtOnce(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: in.db, Now: func() time.Time { return in.now }, PersonKey: []byte("0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.engine()
	if err != nil {
		t.Fatal(err)
	}
	in.h = h
	body := visited(in.own, "one")
	laboratory := decoded[SubmissionItem](t, in.post(submissionsPath, body, linesBody, in.lab)).CallerID
	for name, callers := range map[string][]string{"of one caller": {fmt.Sprint("partner", laboratory), fmt.Sprint("partner", laboratory)}, "of all": strings.Fields("a a b b c c d d")} {
		for _, one := range callers {
			if !s.receiving.enter(one) {
				t.Fatalf("%s: no place for %s", name, one)
			}
		}
		answer := in.post(submissionsPath, body, linesBody, in.lab)
		problem(t, answer, http.StatusServiceUnavailable, "receiving_busy")
		if answer.Header().Get("Retry-After") == "" {
			t.Errorf("%s: it does not say when to come again", name)
		}
		for _, one := range callers {
			s.receiving.leave(one)
		}
	}
	for range schema.MaxOpenSubmissions - 1 {
		if answer := in.post(submissionsPath, body, linesBody, in.lab); answer.Code != http.StatusAccepted {
			t.Fatalf("status %d %s", answer.Code, answer.Body)
		}
	}
	problem(t, in.post(submissionsPath, body, linesBody, in.lab), http.StatusConflict, "too_many_submissions")
	list := decoded[List[SubmissionItem]](t, call(in.h, http.MethodGet, submissionsPath, nil, in.lab...))
	cancelled := in.post(submissionsPath+"/"+list.Items[0].ID+"/cancel", "", in.lab)
	if got := decoded[SubmissionItem](t, cancelled); got.State != schema.SubmissionCancelled {
		t.Errorf("cancelled: %+v", got)
	}
	if answer := in.post(submissionsPath, body, linesBody, in.lab); answer.Code != http.StatusAccepted {
		t.Errorf("status %d: a place is free again", answer.Code)
	}
}

// What lies in the database until it is stored is sealed.
func TestSubmissionSealed(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	made := decoded[SubmissionItem](t, in.post(submissionsPath, visited(in.own, "one"), linesBody, in.lab))
	chunk, err := in.db.Chunk(t.Context(), made.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	var key access.SealKey
	key[0] = 1
	if _, err := key.Open(chunk.Body, fmt.Sprintf("submission %s 1 lines", made.ID)); err == nil || strings.Contains(chunk.Body, "张三") {
		t.Error("another key opens the lines")
	}
}

// Whatever bytes are submitted, in gzip or not, the answer is no failure of ours and every line is accounted for.
func FuzzSubmission(f *testing.F) {
	in := newIntake(f)
	for _, seed := range []string{visited(in.own, "a"), "\n\n", "{", "\xff\n{}", "\ufeff{}", "\xff\xfe{", strings.Repeat("[", 100), packed(f, "{}\n"), "\x1f\x8b\x08"} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, gz bool) {
		if len(body) > 4096 {
			return
		}
		headers := linesBody
		if gz {
			headers = append([]string{"Content-Encoding", "gzip"}, linesBody...)
		}
		answer := in.post(submissionsPath, string(body), headers, in.lab)
		if answer.Code >= http.StatusInternalServerError {
			t.Fatalf("status %d: %.300s", answer.Code, answer.Body)
		}
		if answer.Code != http.StatusAccepted {
			return
		}
		in.work(t)
		made := decoded[SubmissionItem](t, answer)
		done := decoded[SubmissionItem](t, call(in.h, http.MethodGet, submissionsPath+"/"+made.ID, nil, in.lab...))
		if done.State != schema.SubmissionFinished && done.State != schema.SubmissionFailed || done.Rows != done.Added+done.Changed+done.Unchanged+done.Waiting+done.Refused || done.Rows > done.Lines {
			t.Errorf("%+v", done)
		}
		var page List[json.RawMessage]
		if err := json.Unmarshal(call(in.h, http.MethodGet, submissionsPath+"/"+made.ID+"/results?limit=500", nil, in.lab...).Body.Bytes(), &page); err != nil {
			t.Error(err)
		}
	})
}

// A submission may take longer than the server gives an ordinary request: its deadlines are its own.
func TestSubmissionDeadlines(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	server := httptest.NewUnstartedServer(in.h)
	server.Config.ReadHeaderTimeout, server.Config.ReadTimeout, server.Config.WriteTimeout = time.Minute, time.Nanosecond, time.Nanosecond
	server.Start()
	t.Cleanup(server.Close)
	send := func(path, mediaType string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(visited(in.own, "slow")))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", mediaType)
		r.Header.Set(in.lab[0], in.lab[1])
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	if status, err := send(submissionsPath, typeNDJSON); err != nil || status != http.StatusAccepted {
		t.Errorf("status %d, %v", status, err)
	}
	if status, err := send(recordsPath, typeJSON); err == nil && status < 400 {
		t.Errorf("an ordinary request has more time than the server gives: status %d", status)
	}
}
