package api

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"sync"
	"time"

	"healthcode/exchange"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/errgroup"
)

// The bounds of a submission.
const (
	// MaxSubmissionRows bounds its lines.
	MaxSubmissionRows = 1_000_000
	// MaxSubmissionBody bounds its body, packed and unpacked, in bytes.
	MaxSubmissionBody = 1 << 30

	streamTimeout  = time.Hour        // for a whole body, and for all results
	paceBytes      = 32 << 10         // so much must come in, or go out,
	paceTime       = 15 * time.Second // in so much time
	receivedAtOnce = 8                // by one server
	receivedOfOne  = 2                // of these, of one caller: a slow one keeps nobody else out
	receiveLease   = 2 * time.Minute  // a submission of a server that stopped is cut after this; a chunk may take some time to come

	chunkLines = 10_000
	chunkBytes = 4 << 20
)

// Why a submission does not come in.
var (
	errReceiving = errors.New("too many submissions are coming in")
	errSlow      = errors.New("the body came too slowly")
	errCutOff    = errors.New("the body ended early")
)

// submissionAdded answers POST /api/v1/submissions with 202 when all rows are here; a job stores them.
func (s *server) submissionAdded(c *gin.Context) {
	found, err := s.receive(c)
	control := http.NewResponseController(c.Writer)
	_ = control.SetWriteDeadline(time.Now().Add(paceTime)) // the server's own has passed; a recorder in a test has none
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Location", submissionsPath+"/"+found.ID)
	c.JSON(http.StatusAccepted, newSubmissionItem(found))
}

func (s *server) receive(c *gin.Context) (*schema.Submission, error) {
	if _, err := s.recordDecoder(""); err != nil { // better now than after a million rows
		return nil, err
	}
	caller, bounds, err := s.boundsOf(c)
	if err != nil {
		return nil, err
	}
	who := fmt.Sprint(caller.Kind, caller.ID)
	if !s.receiving.enter(who) {
		c.Header("Retry-After", "10")
		return nil, errReceiving
	}
	defer s.receiving.leave(who)
	body, err := submittedBody(c)
	if err != nil {
		return nil, err
	}
	r := &receiver{server: s, lines: &lineCutter{in: bufio.NewReaderSize(body, 64<<10)}, spool: jobs.Spool{Seal: s.Seal},
		submission: &schema.Submission{ID: newSubmissionID(), CallerKind: caller.Kind, CallerID: caller.ID, Bounds: bounds, Source: defaultSource(&bounds)}}
	return r.run(c.Request.Context())
}

// reception counts the submissions that come in at once.
type reception struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by caller
}

// enter reports whether there is a place for one more of a caller; leave gives it back.
func (r *reception) enter(caller string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= receivedAtOnce || r.of[caller] >= receivedOfOne {
		return false
	}
	if r.of == nil {
		r.of = map[string]int{}
	}
	r.all++
	r.of[caller]++
	return true
}

func (r *reception) leave(caller string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	if r.of[caller]--; r.of[caller] == 0 {
		delete(r.of, caller)
	}
}

// newSubmissionID makes the identifier of a submission: sub_ and 20 hex digits.
func newSubmissionID() string {
	var id [10]byte
	rand.Read(id[:]) // crypto/rand.Read never fails: it crashes the program instead (Go 1.24)
	return "sub_" + hex.EncodeToString(id[:])
}

// submittedBody returns the unpacked body.
func submittedBody(c *gin.Context) (io.Reader, error) {
	mediaType, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || mediaType != typeNDJSON {
		return nil, badFieldFor(ErrMediaType, "Content-Type", "is not "+typeNDJSON, typeNDJSON)
	}
	paced := &pacedReader{in: c.Request.Body, control: http.NewResponseController(c.Writer)}
	switch c.GetHeader("Content-Encoding") {
	case "", "identity":
		return paced, nil
	case "gzip":
		unpacked, err := gzip.NewReader(paced)
		if err != nil {
			return nil, submittedError(err)
		}
		return unpacked, nil
	}
	return nil, badFieldFor(ErrMediaType, "Content-Encoding", "is not known", "gzip or nothing")
}

// submittedError says what is wrong with a body that cannot be read on.
func submittedError(err error) error {
	var corrupt flate.CorruptInputError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return bodyError(err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", errSlow, err)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return badField("body", "is not valid gzip", "a whole gzip stream")
	}
	return &fieldError{registry.Problems{{Field: "body", Problem: "could not be read to its end", Want: "a whole body"}}, fmt.Errorf("%w: %w: %w", ErrField, errCutOff, err)}
}

// pacedReader gives up a body that comes too slowly: each part of paceBytes has paceTime.
type pacedReader struct {
	in      io.Reader
	control *http.ResponseController
	left    int // of this part
}

// Read implements io.Reader.
func (p *pacedReader) Read(into []byte) (int, error) {
	if p.left <= 0 {
		p.left = paceBytes
		_ = p.control.SetReadDeadline(time.Now().Add(paceTime)) // a recorder in a test has none
	}
	n, err := p.in.Read(into)
	p.left -= n
	return n, err
}

// receiver keeps the lines of one submission, chunk by chunk.
type receiver struct {
	*server
	lines      *lineCutter
	spool      jobs.Spool
	submission *schema.Submission
}

// run receives everything. What did not come in whole is cut: none of it will be stored.
func (r *receiver) run(ctx context.Context) (*schema.Submission, error) {
	err := r.keep(ctx)
	if err == nil {
		err = r.store.QueueSubmission(ctx, r.submission)
	}
	if err == nil || r.submission.Chunks == 0 && r.submission.CreatedAt.IsZero() {
		return r.submission, err
	}
	cut, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	if failed := r.store.CutSubmission(cut, r.submission, reasonOf(err)); failed != nil && !errors.Is(failed, schema.ErrSubmissionEnded) {
		err = errors.Join(err, failed)
	}
	return nil, err
}

// reasonOf says in few words why a submission was cut.
func reasonOf(err error) string {
	var fields *fieldError
	switch {
	case errors.Is(err, errSlow):
		return errSlow.Error()
	case errors.As(err, &fields):
		return fields.problems.Error()
	}
	return "it could not be kept"
}

// keep cuts the body into chunks in one goroutine while another stores those before, in their order.
func (r *receiver) keep(ctx context.Context) error {
	chunks := make(chan schema.Chunk, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(chunks)
		return r.cut(ctx, chunks)
	})
	group.Go(func() error {
		for chunk := range chunks {
			if err := r.store.AddChunk(ctx, r.submission, chunk); err != nil {
				return fmt.Errorf("keep a part: %w", err)
			}
		}
		return nil
	})
	return group.Wait()
}

func (r *receiver) cut(ctx context.Context, chunks chan<- schema.Chunk) error {
	for number := 1; ; number++ {
		first := r.lines.lines + 1
		body, err := r.lines.next()
		if errors.Is(err, io.EOF) && number == 1 {
			return badField("body", "is empty", "one JSON object in a line")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if number == 1 {
			if err := r.begin(ctx, body); err != nil {
				return err
			}
		}
		packed, err := r.spool.Lines(r.submission.ID, number, body)
		if err != nil {
			return err
		}
		select {
		case chunks <- schema.Chunk{Number: number, FirstLine: first, Lines: r.lines.lines - first + 1, Bytes: int64(len(body)), Body: packed}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin looks at the first lines before anything is written.
func (r *receiver) begin(ctx context.Context, body []byte) error {
	rows, err := exchange.ReadNDJSON(bytes.NewReader(body))
	if errors.Is(err, exchange.ErrEncoding) {
		return badField("body", "is not UTF-8", "one JSON object in a line, in UTF-8")
	}
	if err != nil {
		return badField("body", "is empty", "one JSON object in a line")
	}
	if err := rows.Close(); err != nil {
		return err
	}
	started, err := r.store.AddSubmission(ctx, *r.submission, receiveLease)
	if err != nil {
		return fmt.Errorf("begin a submission: %w", err)
	}
	r.submission = started
	return nil
}

// lineCutter cuts a stream into chunks of whole lines.
type lineCutter struct {
	in    *bufio.Reader
	lines int64 // so far
	bytes int64
	buf   []byte
}

// next returns the next chunk, valid until the next call, or io.EOF. Of a line that is too long it keeps enough for whoever reads it to see that.
func (l *lineCutter) next() ([]byte, error) {
	l.buf = l.buf[:0]
	for n := 0; n < chunkLines && len(l.buf) < chunkBytes; n++ {
		err := l.line()
		if errors.Is(err, io.EOF) && len(l.buf) > 0 {
			return l.buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return l.buf, nil
}

// line adds one line with its end; io.EOF when there is none.
func (l *lineCutter) line() error {
	start := len(l.buf)
	for {
		part, err := l.in.ReadSlice('\n')
		l.bytes += int64(len(part))
		if l.bytes > MaxSubmissionBody {
			return badFieldFor(ErrTooLarge, "body", fmt.Sprintf("is longer than %d bytes, unpacked", MaxSubmissionBody), "several submissions")
		}
		room := start + exchange.MaxRow + 1 - len(l.buf)
		l.buf = append(l.buf, part[:min(max(0, room), len(part))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(l.buf) == start:
			return io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return submittedError(err)
		}
		if l.lines++; l.lines > MaxSubmissionRows {
			return badFieldFor(ErrTooLarge, "body", fmt.Sprintf("has more than %d lines", MaxSubmissionRows), "several submissions")
		}
		if l.buf[len(l.buf)-1] != '\n' { // the last line has no end, one that is too long has lost it
			l.buf = append(l.buf, '\n')
		}
		return nil
	}
}
