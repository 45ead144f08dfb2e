package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// DefaultScanAreas is how many of the 64 areas a printed code may be scanned from in a day before somebody should look. One shop's guests come
// with the few carriers of its city and their neighbours' networks, a dozen or so blocks of addresses; a picture that goes round comes from
// all over. It is a judgement, not a measurement: a busy shop may need more.
const DefaultScanAreas = 20

const (
	scanFlush   = time.Second
	maxScanKeys = 20_000 // different counts within one flush: some megabytes
	areaBits    = 6
)

// ScanStore keeps counts of scans.
type ScanStore interface {
	AddScans(ctx context.Context, scans []schema.Scans, most int) ([]schema.Signal, error)
	// ScanKey returns the key of the areas of a day.
	ScanKey(ctx context.Context, day registry.Day) ([]byte, error)
}

// ScanLog counts scans of printed codes by hour and coarse area. It keeps no address and no device: of an address only six bits of a keyed hash of
// its network remain, and the key changes every day. Seen never waits: counts are gathered in memory, stored each second by Run, and bounded.
// A process that is killed loses at most that second.
type ScanLog struct {
	store ScanStore
	now   func() time.Time
	log   *slog.Logger
	most  int

	mu      sync.Mutex
	counts  map[schema.Scans]int64 // their Count is 0
	dropped int64                  // for want of room, or of a key
	key     []byte
	day     registry.Day
}

// NewScanLog makes a log. most is how many areas a day are ordinary; 0 means DefaultScanAreas.
func NewScanLog(store ScanStore, now func() time.Time, log *slog.Logger, most int) *ScanLog {
	if most <= 0 {
		most = DefaultScanAreas
	}
	return &ScanLog{store: store, now: now, log: log, most: most, counts: map[schema.Scans]int64{}}
}

// Seen counts one scan of a code from a client.
func (l *ScanLog) Seen(code registry.USCC, idx uint32, client netip.Addr) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.key) == 0 {
		l.dropped++
		return
	}
	l.add(schema.Scans{USCC: code, Index: idx, Hour: schema.HourOf(now), Area: areaOf(client, l.key)}, 1)
}

// add counts under the lock.
func (l *ScanLog) add(what schema.Scans, n int64) {
	if _, known := l.counts[what]; !known && len(l.counts) >= maxScanKeys {
		l.dropped += n
		return
	}
	l.counts[what] += n
}

// areaOf returns six bits of a keyed hash of an address's network: /16 of IPv4, /32 of IPv6.
func areaOf(client netip.Addr, key []byte) string {
	client = client.Unmap()
	bits := 32
	if client.Is4() {
		bits = 16
	}
	network, err := client.Prefix(bits)
	if err != nil { // no address: all of these are one area
		network = netip.Prefix{}
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(network.String()))
	return fmt.Sprintf("n%02d", mac.Sum(nil)[0]>>(8-areaBits))
}

// Run stores what was counted each second until ctx ends, and once more then.
func (l *ScanLog) Run(ctx context.Context) {
	tick := time.NewTicker(scanFlush)
	defer tick.Stop()
	l.flush(ctx)
	for {
		select {
		case <-tick.C:
			l.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
			defer cancel()
			l.flush(last)
			return
		}
	}
}

// flush stores what was counted. What cannot be stored is kept for the next time, as far as there is room.
func (l *ScanLog) flush(ctx context.Context) {
	if err := l.renewKey(ctx); err != nil {
		l.log.WarnContext(ctx, "the key of scans cannot be read", "error", err.Error())
	}
	l.mu.Lock()
	counts, dropped := l.counts, l.dropped
	l.counts, l.dropped = map[schema.Scans]int64{}, 0
	l.mu.Unlock()
	if dropped > 0 {
		l.log.WarnContext(ctx, "scans were not counted", "scans", dropped)
	}
	if len(counts) == 0 {
		return
	}
	scans := make([]schema.Scans, 0, len(counts))
	for what, n := range counts {
		what.Count = n
		scans = append(scans, what)
	}
	signals, err := l.store.AddScans(ctx, scans, l.most)
	if err != nil {
		l.log.WarnContext(ctx, "scans are not stored yet", "error", err.Error())
		l.keep(counts)
	}
	for _, s := range signals {
		l.log.WarnContext(ctx, "a printed code was scanned in many places", "uscc", s.USCC, "idx", s.Index, "areas", s.Areas, "scans", s.Scans)
	}
}

func (l *ScanLog) keep(counts map[schema.Scans]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, n := range counts {
		l.add(what, n)
	}
}

// renewKey reads the key when a day has begun.
func (l *ScanLog) renewKey(ctx context.Context) error {
	today := registry.DayOf(l.now())
	l.mu.Lock()
	current := l.day == today
	l.mu.Unlock()
	if current {
		return nil
	}
	key, err := l.store.ScanKey(ctx, today)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.key, l.day = key, today
	return nil
}

// countScan counts a scan of a printed code that the register knows, whatever has become of it.
func (s *server) countScan(c *gin.Context, answer *VerdictAnswer) {
	v := &answer.Verdict
	if s.Scans == nil || c.Request.Method != "GET" || answer.stored == nil || v.Form == credential.FormScreen || answer.stored.Form != string(credential.FormPrinted) {
		return
	}
	client, err := netip.ParseAddr(c.ClientIP())
	if err != nil {
		client = netip.Addr{}
	}
	s.Scans.Seen(v.USCC, v.Index, client)
}
